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

// agrees reports whether r is a yes. Of what a Session answers there is nothing else below 400
// (see replied).
func (r reply) agrees() bool { return r.code/100 == 2 }

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

// append writes r as it goes over the wire.
func (r reply) append(b []byte) []byte { return appendReply(b, r.code, r.enhanced, r.text) }

// appendReply writes a reply, a code in front of each line of text.
func appendReply[T string | []byte](b []byte, code int, enhanced string, text T) []byte {
	for n := 1; ; n++ {
		end := 0
		for end < len(text) && text[end] != '\n' {
			end++
		}
		more := end < len(text) && n < maxReplyLines
		b = strconv.AppendInt(b, int64(code), 10)
		if more {
			b = append(b, '-')
		} else {
			b = append(b, ' ')
		}
		if enhanced != "" {
			b = append(append(b, enhanced...), ' ')
		}
		b = appendClean(b, text[:min(end, maxReplyLine)])
		b = append(b, "\r\n"...)
		if !more {
			return b
		}
		text = text[end+1:]
	}
}

// logged is r as it went over the wire.
func (r reply) logged() string { return strings.TrimSuffix(string(r.append(nil)), "\r\n") }

// appendClean writes a line of text with nothing in it that SMTP does not allow there.
func appendClean[T string | []byte](b []byte, l T) []byte {
	for i := range len(l) {
		c := l[i]
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
func (s *session) say(r reply) { s.Write(r.append(s.room())) }

// room is where a reply is written together.
func (s *session) room() []byte {
	if a, ok := s.Transport.(protocol.BufferAvailer); ok {
		return a.AvailableBuffer()
	}
	return nil
}

// wrong is the reply to a command that the client got wrong, and returns what was said. Who
// does too often is sent away.
func (s *session) wrong(r reply) reply {
	if s.errors++; int(s.errors) >= s.server.MaxErrors {
		return s.bye(421, "4.7.0", "Too many errors", ErrTooManyErrors)
	}
	s.say(r)
	return r
}

var (
	badSequence  = reply{503, "5.5.1", "Bad sequence of commands"}
	noRecipients = reply{503, "5.5.1", "No valid recipients"}

	tooManyRecipients = reply{452, "4.5.3", "Too many recipients"}
)
