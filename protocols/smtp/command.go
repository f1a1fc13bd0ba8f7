package smtp

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
)

// Octets of a command line without its CRLF: generous to what extensions add to the
// 510 of RFC 5321 (section 4.5.3.1.4), and of one that authenticates (RFC 4954,
// section 4.4).
const (
	maxLine     = 2000
	maxAuthLine = 12288 - len("\r\n")
)

// A verb is one row of the table of commands.
type verb struct {
	when phase // it is allowed then; otherwise 503
	bare bool  // it has no argument
	do   func(s *session, arg string)
}

// verbs is what the server understands (RFC 5321, section 4.5.1, and extensions).
var verbs map[string]verb

func init() {
	verbs = map[string]verb{
		"EHLO":     {anytime, false, (*session).ehlo},
		"HELO":     {anytime, false, (*session).helo},
		"LHLO":     {anytime, false, (*session).lhlo},
		"STARTTLS": {said, true, (*session).startTLS},
		"AUTH":     {ready, false, (*session).startAuth},
		"MAIL":     {ready, false, (*session).mailFrom},
		"RCPT":     {mailing | addressed, false, (*session).rcptTo},
		"DATA":     {mailing | addressed, true, (*session).startData},
		"BDAT":     {anytime, false, (*session).startChunk}, // whose bytes follow in any case
		"RSET":     {anytime, true, (*session).rset},
		"VRFY":     {anytime, false, (*session).vrfy},
		"EXPN":     {anytime, false, (*session).expn},
		"HELP":     {anytime, false, (*session).help},
		"NOOP":     {anytime, false, (*session).noop},
		"QUIT":     {anytime, true, (*session).quit},
	}
}

// command obeys one line.
func (s *session) command(l []byte) {
	name, arg, _ := bytes.Cut(bytes.TrimRight(l, " "), []byte{' '})
	var upper [8]byte
	name = upperCase(upper[:0], name)
	v, known := verbs[string(name)]
	text := isText(l)
	switch {
	case announces(l) && (string(name) != "BDAT" || len(l) > maxLine),
		!text && slices.ContainsFunc(bytes.FieldsFunc(l, endsLine), announces):
		s.malformedChunk()
	case len(l) > maxLine && string(name) != "AUTH":
		s.wrong(reply{500, "5.5.2", "Line too long"})
	case !text:
		s.wrong(reply{500, "5.5.2", "Bad characters in command"})
	case !known:
		s.wrong(reply{500, "5.5.1", "Command not recognized"})
	case v.when&s.phase == 0:
		s.wrong(badSequence)
	case v.bare && len(arg) > 0:
		s.wrong(reply{501, "5.5.4", "No argument allowed"})
	default:
		v.do(s, string(bytes.TrimLeft(arg, " ")))
	}
}

// upperCase appends name in upper case to dst, if it is short enough to be a verb.
func upperCase(dst, name []byte) []byte {
	for _, c := range name[:min(len(name), cap(dst)+1)] {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// isText reports whether l holds no control characters, and nothing beyond ASCII
// that is not UTF-8. Where something beyond ASCII may stand at all the commands know.
func isText(l []byte) bool {
	ascii := true
	for _, c := range l {
		if c < ' ' || c == 0x7f {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.Valid(l)
}

// LineTooLong refuses a line that is longer than any command may be. What it was is gone: within
// a transaction it may have been a BDAT.
func (s *session) LineTooLong(int) (keep bool) {
	s.awaitCommand()
	s.auth = nil
	if s.mail != nil {
		s.reply(500, "5.5.2", "Line too long")
		s.close(ErrMalformed)
		return true
	}
	s.wrong(reply{500, "5.5.2", "Line too long"})
	s.mayEnd()
	return true
}

var (
	_ line.Handler        = (*session)(nil)
	_ line.RawHandler     = (*session)(nil)
	_ line.TooLong        = (*session)(nil)
	_ protocol.Shutdowner = (*session)(nil)
)
