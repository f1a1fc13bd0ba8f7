package framing

import "slices"

// A Splitter cuts a stream into messages that announce their length. It does no
// I/O and works as a bufio.Scanner does, fed from outside:
//
//	s.Feed(data)
//	for s.Next() {
//		use(s.Body())
//	}
//	s.Hold() // if the loop was left early
//
// The limit may be changed at any time, and holds for prefixes yet unread.
//
//	   handed up       prefix    held         rest
//	|-------------|-----------|-----------|-----------|
//	               a message's             not looked
//	               beginning               at yet
type Splitter struct {
	Format    *Format
	MaxLength int // see Limit

	// prefix is that of the message whose turn it is, and announced tells that it
	// is whole; then missing bytes are still to come, with the ending.
	prefix    Prefix
	announced bool
	missing   uint64

	// held is our own memory.
	held []byte

	// rest is lent by the caller of Feed until Hold, or until it is used up.
	rest []byte
	own  bool // rest is our own memory

	body     []byte
	used     bool // body lies in held, which else is empty
	skipping bool // the message is thrown away
	err      error
}

const (
	keepCap  = 4 << 10 // capacity up to which held is used again for the next message
	firstCap = 64      // least capacity of held, if the message is not shorter
)

// Feed appends data, which is lent until Next returns false or Hold is called.
func (s *Splitter) Feed(data []byte) {
	if len(s.rest) == 0 {
		s.rest, s.own = data, false
	} else {
		s.rest, s.own = slices.Concat(s.rest, data), true
	}
}

// Next finds the next message. It returns false if there is none yet, and then
// nothing is lent any more, or if there is an error, see Err.
func (s *Splitter) Next() bool {
	s.leave()
	for s.err == nil && s.announce() {
		if !s.skipping {
			return s.collect()
		}
		if !s.skip() {
			return false
		}
	}
	return false
}

// Body returns the message that Next found. It is lent until Next or Hold is
// called, and appending to it copies it.
func (s *Splitter) Body() []byte { return s.body }

// Err returns why Next returned false: Format.Malformed, Format.TooLong, or nil.
func (s *Splitter) Err() error { return s.err }

// Skip throws the message that is too long away: Next goes on behind it.
func (s *Splitter) Skip() { s.err, s.skipping, s.held = nil, true, nil }

// Announced returns the length of the message whose turn it is.
func (s *Splitter) Announced() uint64 { return s.prefix.Length }

// Hold copies what is lent. It is for those who leave the input before Next
// returned false, and ends the use of Body.
func (s *Splitter) Hold() {
	if s.used {
		s.held, s.used = nil, false
	}
	if !s.own && len(s.rest) > 0 {
		s.rest, s.own = slices.Clone(s.rest), true
	}
	s.body = nil
}

// Len returns how many bytes have arrived that no Body has shown, but for those
// of a message that were thrown away.
func (s *Splitter) Len() int {
	n := s.prefix.Size + len(s.rest)
	if !s.used {
		n += len(s.held)
	}
	return n
}

// Drop empties the Splitter, which then expects a prefix, and returns Len.
func (s *Splitter) Drop() int {
	n := s.Len()
	*s = Splitter{Format: s.Format, MaxLength: s.MaxLength}
	return n
}

// leave leaves the message before behind.
func (s *Splitter) leave() {
	if s.used {
		s.used = false
		if s.held = s.held[:0]; cap(s.held) > keepCap {
			s.held = nil
		}
	}
	s.body = nil
}

// announce reads the prefix, unless it was read. It returns false if that is not
// whole yet or is an error.
func (s *Splitter) announce() bool {
	if s.announced {
		return true
	}
	if len(s.rest) == 0 {
		s.held = nil // empty, for no message has begun
		return false
	}
	before := s.prefix.Size
	whole, err := s.Format.Step(&s.prefix, s.rest)
	s.advance(s.prefix.Size - before)
	if !whole || err != nil {
		s.err = err
		return false
	}
	s.announced, s.missing = true, s.prefix.Length+uint64(len(s.Format.End))
	if s.prefix.Length > uint64(Limit(s.MaxLength)) {
		s.err = s.Format.TooLong
	}
	return s.err == nil
}

// collect makes a body of what has arrived. It returns false if some is missing
// or the ending is wrong.
func (s *Splitter) collect() bool {
	n := s.arrived()
	message := s.rest[:n]
	if uint64(n) < s.missing || len(s.held) > 0 {
		s.hold(message)
		message, s.used = s.held, uint64(n) == s.missing
	}
	if s.advance(n); !s.over(n) {
		return false
	}
	body, ok := s.trim(message)
	s.body = body
	return ok
}

// arrived returns how many bytes of rest belong to the message.
func (s *Splitter) arrived() int {
	return int(min(s.missing, uint64(len(s.rest))))
}

// hold appends b to what is held. That grows with what has arrived, to the
// double at most, and not by what was announced.
func (s *Splitter) hold(b []byte) {
	if n := len(s.held) + len(b); n > cap(s.held) {
		size := max(n, 2*cap(s.held), firstCap)
		whole := uint64(len(s.held)) + s.missing
		grown := make([]byte, len(s.held), min(uint64(size), whole))
		copy(grown, s.held)
		s.held = grown
	}
	s.held = append(s.held, b...)
}

// advance leaves n bytes of rest behind.
func (s *Splitter) advance(n int) {
	if s.rest = s.rest[n:]; len(s.rest) == 0 {
		s.rest = nil // a buffer of our own is not needed any more
	}
}

// over counts n bytes of the message, and reports whether those were its last.
func (s *Splitter) over(n int) bool {
	if s.missing -= uint64(n); s.missing > 0 {
		return false
	}
	s.prefix, s.announced, s.skipping = Prefix{}, false, false
	return true
}

// trim takes the ending off. It returns false, and there is an error, if that
// is not what it should be.
func (s *Splitter) trim(message []byte) ([]byte, bool) {
	n := len(message) - len(s.Format.End)
	if string(message[n:]) != s.Format.End {
		s.err = s.Format.Malformed
		return nil, false
	}
	return message[:n:n], true
}

// skip throws away what has arrived of the message. It returns false if more is
// to come or its ending is wrong.
func (s *Splitter) skip() bool {
	n := s.arrived()
	message := s.rest[:n]
	s.advance(n)
	if !s.over(n) {
		return false
	}
	_, ok := s.trim(message[max(0, n-len(s.Format.End)):])
	return ok
}
