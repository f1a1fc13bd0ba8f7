package line

import (
	"bytes"
	"math"
	"slices"
)

// A Splitter cuts a stream into lines. It does no I/O and works as a
// bufio.Scanner does, fed from outside:
//
//	s.Feed(data)
//	for s.Next() {
//		use(s.Line())
//	}
//	s.Hold() // if the loop was left early
//
// The zero value is ready; its Config's limit may be changed at any time.
//
//	   handed up      held        rest
//	|-------------|-----------|-----------|
//	               a line's    not yet
//	               beginning,  searched
//	               searched
type Splitter struct {
	Config

	// held is our own memory. Nothing in it completes a delimiter.
	held []byte

	// rest is lent by the caller of Feed until Hold, or until it is used up.
	rest []byte
	own  bool // rest is our own memory

	line     []byte
	used     bool // line lies in held, which else is empty
	skipping bool // up to the next delimiter; held has what may be its beginning
	tooLong  bool
}

// keepCap is the capacity up to which held is used again for the next line.
const keepCap = 4 << 10

// Feed appends data, which is lent until Next returns false or Hold is called.
func (s *Splitter) Feed(data []byte) {
	switch {
	case len(s.rest) == 0:
		s.rest, s.own = data, false
	case s.own:
		s.rest = append(s.rest, data...)
	default:
		s.rest, s.own = slices.Concat(s.rest, data), true
	}
}

// Next finds the next line. It returns false if there is none yet, and then
// nothing is lent any more, or if the next line is too long, see Err.
func (s *Splitter) Next() bool {
	if len(s.held) == 0 && !s.skipping && !s.tooLong && s.Delimiter == "" { // what most lines are: whole
		if n := bytes.IndexByte(s.rest, '\n'); n > 0 && s.rest[n-1] == '\r' && n <= s.Limit() {
			s.line = s.rest[: n-1 : n-1]
			s.advance(n + 1)
			return true
		}
	}
	return s.search()
}

// search finds the next line, of whatever kind, in what is held and the rest.
func (s *Splitter) search() bool {
	if (s.used || s.skipping || s.tooLong) && !s.begin() {
		return false
	}
	if len(s.rest) == 0 {
		if len(s.held) == 0 {
			s.held = nil
		}
		return false
	}
	delim, limit := s.delimiter(), s.Limit()
	window := s.rest
	if room := limit - len(s.held) + len(delim); len(window) >= room {
		window = window[:max(room, 0)] // a line of which all of this is part is too long
	}
	end := s.find(window, delim)
	if end < 0 {
		s.incomplete(window, len(delim), limit)
		return false
	}
	line := window[:end]
	if len(s.held) > 0 {
		s.held = append(s.held, line...)
		s.used = true
		line = s.held
	}
	s.advance(end)
	line = s.trim(line, delim)
	s.line = line[:len(line):len(line)] // who appends to it shall not write into the next
	if len(s.line) > limit {            // a CR would have been part of the ending
		s.tooLong = true
		return false
	}
	return true
}

// Line returns the line that Next found, without its ending. It is lent until
// Next or Hold is called.
func (s *Splitter) Line() []byte { return s.line }

// Err returns ErrTooLong if that is why Next returned false.
func (s *Splitter) Err() error {
	if s.tooLong {
		return ErrTooLong
	}
	return nil
}

// Skip throws the line that is too long away: Next goes on behind it.
func (s *Splitter) Skip() { s.tooLong = false }

// Hold copies what is lent. It is for those who leave the input before Next
// returned false, and end the use of Line.
func (s *Splitter) Hold() {
	if s.used {
		s.held, s.used = nil, false
	}
	if !s.own && len(s.rest) > 0 {
		s.rest, s.own = slices.Clone(s.rest), true
	}
	s.line = nil
}

// Len returns how many bytes wait that no Line has shown.
func (s *Splitter) Len() int {
	if s.used {
		return len(s.rest)
	}
	return len(s.held) + len(s.rest)
}

// Take empties the Splitter and returns what waited, which is lent if it was.
// A line that was being skipped ends here, and nothing of it is returned.
func (s *Splitter) Take() []byte {
	all := s.rest
	if !s.used && !s.skipping && len(s.held) > 0 {
		all = append(s.held, all...)
	}
	s.held, s.rest = nil, nil
	s.used, s.skipping, s.tooLong = false, false, false
	return all
}

// SetDelimiter ends lines with d from here on; empty means CRLF.
func (s *Splitter) SetDelimiter(d string) {
	s.Delimiter = d
	if !s.used && !s.skipping && len(s.held) > 0 { // to be searched again
		s.rest, s.own = append(s.held, s.rest...), true
		s.held = nil
	}
}

// Limit returns MaxLength with its defaults: the length of the longest line.
func (s *Splitter) Limit() int {
	const none = math.MaxInt / 2 // whoever adds a little to it does not overflow
	switch {
	case s.MaxLength == 0:
		return 16 << 10
	case s.MaxLength < 0:
		return none
	}
	return min(s.MaxLength, none)
}

const crlf = "\r\n"

func (s *Splitter) delimiter() string {
	if s.Delimiter == "" {
		return crlf
	}
	return s.Delimiter
}

// bareLF reports whether LF ends a line too.
func (s *Splitter) bareLF(delim string) bool { return s.AcceptLF && delim == crlf }

// begin leaves the line before behind. It returns false if that has no end yet.
func (s *Splitter) begin() bool {
	if s.used {
		s.used = false
		if s.held = s.held[:0]; cap(s.held) > keepCap {
			s.held = nil
		}
	}
	if s.tooLong {
		return false
	}
	return !s.skipping || s.skip()
}

// find returns where the first delimiter ends in b, which follows what is held,
// or -1. It looks for the last byte, so that each position is decided once,
// wherever the reads were cut.
func (s *Splitter) find(b []byte, delim string) int {
	last := delim[len(delim)-1]
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], last)
		if i < 0 {
			return -1
		}
		at += i + 1
		if s.ends(b[:at], delim) || s.bareLF(delim) {
			return at
		}
	}
}

// ends reports whether held and b together end with the delimiter. The last byte
// is known to, and of two bytes the loop compares the other faster than a call.
func (s *Splitter) ends(b []byte, delim string) bool {
	for i := 2; i <= len(delim); i++ {
		from, n := b, i
		if n > len(b) {
			from, n = s.held, i-len(b)
		}
		if n > len(from) || from[len(from)-n] != delim[len(delim)-i] {
			return false
		}
	}
	return true
}

// trim takes the ending off a line.
func (s *Splitter) trim(line []byte, delim string) []byte {
	if !s.bareLF(delim) {
		return line[:len(line)-len(delim)]
	}
	line = line[:len(line)-1]
	if n := len(line) - 1; n >= 0 && line[n] == '\r' {
		line = line[:n]
	}
	return line
}

// advance leaves n bytes of rest behind.
func (s *Splitter) advance(n int) {
	if s.rest = s.rest[n:]; len(s.rest) == 0 {
		s.rest = nil // a buffer of our own is not needed any more
	}
}

// incomplete holds window, the beginning of a line, unless that is too long.
func (s *Splitter) incomplete(window []byte, n, limit int) {
	if len(s.held)+len(window) >= limit+n {
		s.forget(window, n-1)
		s.held = slices.Clone(s.held) // without the room for a whole line
		s.tooLong, s.skipping = true, true
	} else {
		s.held = append(s.held, window...)
	}
	s.advance(len(window))
}

// skip throws away what precedes the next delimiter, and that. It returns false
// if that is still to come.
func (s *Splitter) skip() bool {
	delim := s.delimiter()
	end := s.find(s.rest, delim)
	if end < 0 {
		s.forget(s.rest, len(delim)-1)
		s.rest = nil
		return false
	}
	s.held, s.skipping = nil, false
	s.advance(end)
	return true
}

// forget drops what is held and b but for their last n bytes.
func (s *Splitter) forget(b []byte, n int) {
	if len(b) >= n {
		s.held = append(s.held[:0], b[len(b)-n:]...)
		return
	}
	drop := max(0, len(s.held)+len(b)-n)
	s.held = append(s.held[:copy(s.held, s.held[drop:])], b...)
}
