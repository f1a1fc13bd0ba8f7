package smtp

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/torsion-go/torsion/protocol"
)

// A reply is what the server says (RFC 5321, section 4.2). Its text may have several
// lines.
type reply struct {
	code     int
	enhanced string // RFC 2034; none in greetings and where the client goes on
	text     string
}

// Bounds of a reply whose text is a Session's (RFC 5321, section 4.5.3.1.5).
const (
	maxReplyLine  = 480
	maxReplyLines = 32
)

// replyTo is what a Session answers.
func replyTo(e *SMTPError) reply {
	r := reply{code: e.Code, text: e.Message}
	switch c := e.EnhancedCode; {
	case c == EnhancedCode{}:
		r.enhanced = fmt.Sprintf("%d.0.0", e.Code/100)
	case c[0] >= 0:
		r.enhanced = fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2])
	}
	return r
}

// append writes r as it goes over the wire, a code in front of each line.
func (r reply) append(b []byte) []byte {
	text, more := r.text, true
	for n := 1; more; n++ {
		var l string
		l, text, more = strings.Cut(text, "\n")
		more = more && n < maxReplyLines
		b = strconv.AppendInt(b, int64(r.code), 10)
		if more {
			b = append(b, '-')
		} else {
			b = append(b, ' ')
		}
		if r.enhanced != "" {
			b = append(append(b, r.enhanced...), ' ')
		}
		b = appendClean(b, l)
		b = append(b, "\r\n"...)
	}
	return b
}

// appendClean writes a line of text with nothing in it that SMTP does not allow there.
func appendClean(b []byte, l string) []byte {
	for _, c := range []byte(l[:min(len(l), maxReplyLine)]) {
		if c == '\r' {
			continue
		}
		if c < ' ' || c > '~' {
			c = '?'
		}
		b = append(b, c)
	}
	return b
}

func (s *session) reply(code int, enhanced, text string) { s.say(reply{code, enhanced, text}) }

// say writes r, which leaves with the others of this event.
func (s *session) say(r reply) {
	var room []byte
	if a, ok := s.Transport.(protocol.BufferAvailer); ok {
		room = a.AvailableBuffer()
	}
	s.Write(r.append(room))
}

// wrong is the reply to a command that the client got wrong. Who does too often is
// sent away.
func (s *session) wrong(r reply) {
	if s.errors++; int(s.errors) >= s.server.MaxErrors {
		s.bye(421, "4.7.0", "Too many errors", ErrTooManyErrors)
		return
	}
	s.say(r)
}

var (
	badSequence  = reply{503, "5.5.1", "Bad sequence of commands"}
	noRecipients = reply{503, "5.5.1", "No valid recipients"}
)
