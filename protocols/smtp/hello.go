package smtp

import (
	"strconv"
	"strings"

	"github.com/torsion-go/torsion/protocol"
)

// maxHostname is the length of what a client may call itself (RFC 5321, section
// 4.5.3.1.2), brackets and all.
const maxHostname = 255

func (s *session) ehlo(arg string) { s.hello(arg, true, false) }
func (s *session) helo(arg string) { s.hello(arg, false, false) }
func (s *session) lhlo(arg string) { s.hello(arg, true, true) }

// hello begins anew (RFC 5321, section 4.1.1.1). The name is not verified, and need
// not be one: clients behind address translation do not know better.
func (s *session) hello(name string, extended, lmtp bool) {
	switch {
	case lmtp != s.server.LMTP:
		s.wrong(reply{500, "5.5.1", "This is " + s.name()})
		return
	case name == "" || len(name) > maxHostname || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }):
		s.wrong(reply{501, "5.5.4", "Domain or address literal required"})
		return
	}
	s.peer.Hostname, s.peer.ESMTP, s.peer.LMTP = name, extended, lmtp
	s.open(func() {
		s.phase = ready
		if !extended {
			s.reply(250, "", s.server.Domain)
			return
		}
		var text [512]byte // not a string: everybody says EHLO
		s.Write(appendReply(s.room(), 250, "", s.greeting(text[:0], name)))
	})
}

// greeting lists what the client may use, a line each.
func (s *session) greeting(b []byte, name string) []byte {
	b = append(b, s.server.Domain...)
	b = append(b, " greets "...)
	b = append(b, name...)
	b = append(b, "\nPIPELINING\n8BITMIME\nSMTPUTF8\nCHUNKING\nENHANCEDSTATUSCODES"...)
	if s.server.EnableDSN {
		b = append(b, "\nDSN"...)
	}
	if s.server.TLS != nil && s.peer.TLS == nil {
		b = append(b, "\nSTARTTLS"...)
	}
	if m := s.mechanisms(); len(m) > 0 {
		b = append(b, "\nAUTH "...)
		b = append(b, strings.Join(m, " ")...)
	}
	b = append(b, "\nSIZE"...)
	if s.server.MaxMessageBytes > 0 {
		b = append(b, ' ')
		b = strconv.AppendInt(b, s.server.MaxMessageBytes, 10)
	}
	return b
}

// startTLS changes to TLS and forgets what the client has said so far (RFC 3207,
// section 4.2).
func (s *session) startTLS(string) {
	switch {
	case s.server.TLS == nil:
		s.wrong(reply{502, "5.5.1", "TLS is not available"})
		return
	case s.peer.TLS != nil:
		s.wrong(reply{503, "5.5.1", "TLS is active already"})
		return
	}
	s.forget(func() {
		s.ask(s.commands, s.farewell, func(err error) {
			s.complain(err)
			s.phase, s.user = greeted, false
			s.peer = Peer{}
			s.reply(220, "2.0.0", "Ready to start TLS")
			if t, ok := protocol.As[protocol.TLSStarter](s.Conn); ok {
				s.complain(doing("start TLS", t.StartTLS()))
			}
		})
	})
}

func (s *session) rset(string) {
	s.forget(func() { s.reply(250, "2.0.0", "Ok") })
}

func (s *session) noop(string) { s.reply(250, "2.0.0", "Ok") }

// vrfy says nothing, as RFC 5321 allows (section 7.3).
func (s *session) vrfy(arg string) {
	if arg == "" {
		s.wrong(reply{501, "5.5.4", "Address required"})
		return
	}
	s.reply(252, "2.1.5", "Cannot verify, but send some mail")
}

func (s *session) expn(string) { s.wrong(reply{502, "5.5.1", "There are no lists"}) }

func (s *session) help(string) {
	s.reply(214, "2.0.0", "RFC 5321: https://www.rfc-editor.org/rfc/rfc5321")
}

// quit is the end; what came behind it is not read.
func (s *session) quit(string) {
	s.bye(221, "2.0.0", "closing connection", nil)
}
