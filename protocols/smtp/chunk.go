package smtp

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// A chunk is what BDAT announces (RFC 3030, section 2).
type chunk struct {
	size, left int64
	last       bool
	began      time.Time
	refused    reply // it is read, but not taken
}

// startChunk reads as many bytes as the client announces, also where they are not
// wanted: else they would be taken for commands. Where it does not say how many,
// there is no telling what is message and what command, and the connection ends.
func (s *session) startChunk(arg string) {
	size, word, more := strings.Cut(arg, " ")
	n, ok := parseSize(size)
	c := &chunk{size: n, left: n, last: strings.EqualFold(word, "LAST"), began: s.Now()}
	if !ok || more && !c.last {
		s.malformedChunk()
		return
	}
	if s.phase == addressed {
		s.mail.began = c.began
	}
	switch max := s.server.MaxMessageBytes; {
	case s.phase == mailing:
		c.refused = noRecipients
	case s.phase&(addressed|chunking) == 0:
		c.refused = badSequence
	case max >= 0 && n > max-s.mail.body.size:
		c.refused = tooLarge
		s.phase = chunking // for it has begun
	default:
		s.phase = chunking
	}
	s.chunk = c
	if n == 0 {
		s.endChunk()
		return
	}
	s.SetRawMode()
	s.awaitData()
}

var bdat = []byte("BDAT")

// announces reports whether somebody may take a line for a BDAT, who is more generous with what
// stands before and behind that word.
func announces(l []byte) bool {
	l = bytes.TrimLeftFunc(l, func(r rune) bool { return r <= ' ' || r == '\x7f' })
	return len(l) >= len(bdat) && bytes.EqualFold(l[:len(bdat)], bdat)
}

// endsLine reports whether somebody may take r for the end of a line.
func endsLine(r rune) bool { return r == '\r' || r == '\n' }

// malformedChunk is the end, whatever is wrong with the line: to somebody else it may
// announce a chunk, which would be obeyed here.
func (s *session) malformedChunk() {
	s.reply(501, "5.5.4", "Syntax: BDAT size [LAST]")
	s.close(ErrMalformed)
}

// chunkReceived reads the chunk up to its end; commands follow.
func (s *session) chunkReceived(p []byte) {
	c := s.chunk
	n := min(c.left, int64(len(p)))
	c.left -= n
	taken := c.refused.code == 0
	if taken {
		s.bodyReceived(p[:n])
	}
	switch {
	case c.left == 0:
		s.awaitCommands(p[n:])
		s.endChunk()
	case taken:
		s.spill(s.awaitData)
	}
}

// endChunk answers for a chunk. A refused one is the end of its message, and those
// that were sent behind it find none.
func (s *session) endChunk() {
	c := s.chunk
	s.chunk = nil
	switch {
	case c.refused.code != 0 && s.phase != chunking:
		s.wrong(c.refused)
	case c.refused.code != 0:
		s.mail.part = !c.last
		s.fail(c.refused)
	case c.last:
		s.deliver()
	default:
		s.spill(func() {
			if s.mail.body.hopeless() {
				s.mail.part = true
				s.deliver() // says why not
				return
			}
			s.reply(250, "2.0.0", strconv.FormatInt(c.size, 10)+" octets received")
		})
	}
}
