package framing

import "math"

// A Format is the grammar of a framing whose messages announce their length: a
// prefix, as many bytes as it says, and an ending.
type Format struct {
	// Step reads on in a prefix of which p knows the beginning: it adds what b
	// has of it to p, and returns whether the prefix is whole now. The error is
	// Malformed.
	Step func(p *Prefix, b []byte) (whole bool, err error)

	// End is what follows the bytes of each message; one byte or none.
	End string

	// TooLong, Malformed and Truncated are what the framing calls its errors.
	TooLong, Malformed, Truncated error
}

// A Prefix is what is known of the announcement of the next message.
type Prefix struct {
	Length uint64 // of the message
	Size   int    // of the prefix itself, in bytes
}

// Limit returns the length of the longest message for a MaxLength setting: 99,999
// bytes if zero, what an int can count if negative.
func Limit(maxLength int) int {
	const none = math.MaxInt / 2 // whoever adds a little to it does not overflow
	switch {
	case maxLength == 0:
		return 99_999
	case maxLength < 0:
		return none
	}
	return min(maxLength, none)
}
