package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'

	maxMarks = 4 // on one character; what piles up higher covers the lines of others
)

// clean returns the line as it may be shown on anybody's terminal: one line of
// valid UTF-8. It returns line itself if that needs no change, and otherwise
// writes to buf, which it returns in either case for the next call.
//
//	tabs, line ends of all kinds, other spaces           a space
//	controls (C0, C1, DEL), and format characters        nothing
//	such as those of direction (U+202E) or zero width
//	combining marks and joiners after the fourth         nothing
//	bytes that are no UTF-8                              one U+FFFD for a run of them
//	characters without a meaning (unassigned, private)   U+FFFD
//
// Joiners stay: emoji, Persian and the scripts of India need them.
func clean(buf, line []byte) (text, next []byte) {
	if isPlain(line) {
		return line, buf
	}
	out := buf[:0]
	marks, broken := 0, false
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		line = line[n:]
		if r == utf8.RuneError && n == 1 {
			if !broken {
				out, marks, broken = utf8.AppendRune(out, r), 0, true
			}
			continue
		}
		r = shown(r)
		if r < 0 {
			continue
		}
		if broken = false; isMark(r) {
			marks++
		} else {
			marks = 0
		}
		if marks <= maxMarks {
			out = utf8.AppendRune(out, r)
		}
	}
	return out, out
}

// isPlain reports whether all of the line is printable ASCII, as most lines are.
func isPlain(line []byte) bool {
	for _, b := range line {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}

// shown returns what stands for r on a terminal; nothing does if it is negative.
func shown(r rune) rune {
	switch {
	case r == zeroWidthJoiner || r == zeroWidthNonJoiner:
		return r
	case unicode.IsSpace(r) || strings.ContainsRune(blanks, r):
		return ' '
	case unicode.IsGraphic(r):
		return r
	case unicode.In(r, unicode.Cc, unicode.Cf):
		return -1
	}
	return utf8.RuneError
}

// blanks are letters and signs that show nothing.
const blanks = "\u115f\u1160\u2800\u3164\uffa0"

func isMark(r rune) bool {
	return unicode.Is(unicode.M, r) || r == zeroWidthJoiner || r == zeroWidthNonJoiner
}
