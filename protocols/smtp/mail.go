package smtp

import (
	"context"
	"log/slog"
	"strings"
)

// mailFrom begins a transaction (RFC 5321, section 4.1.1.2).
func (s *session) mailFrom(arg string) {
	p := parser{utf8: true}
	if !p.argument(arg, "FROM:") {
		s.wrong(reply{501, "5.5.4", "Syntax: MAIL FROM:<address>"})
		return
	}
	var from string
	if !p.nullPath() {
		a, ok := p.path()
		if !ok || a.Domain == "" {
			s.wrong(reply{501, "5.1.7", "Bad sender address"})
			return
		}
		from = a.String()
	}
	list, ok := p.params()
	if !ok {
		s.wrong(reply{501, "5.5.4", "Bad parameters"})
		return
	}
	o, bad := s.mailOptions(list)
	switch {
	case bad.code != 0:
		s.wrong(bad)
		return
	case !o.UTF8 && !isASCII(arg):
		s.wrong(reply{501, "5.6.7", "SMTPUTF8 required"})
		return
	}
	s.mail = &transaction{from: from, utf8: o.UTF8} // for the Session it begins now
	s.ask(s.commands, func() error { return s.session.Mail(from, &o) }, func(err error) {
		if s.answer("Mail", err, reply{250, "2.1.0", "Ok"}).agrees() {
			s.phase = mailing
		} else {
			s.mail = nil
		}
	})
}

// rcptTo adds a recipient (RFC 5321, section 4.1.1.3).
func (s *session) rcptTo(arg string) {
	p := parser{utf8: s.mail.utf8}
	if !p.argument(arg, "TO:") {
		s.wrong(reply{501, "5.5.4", "Syntax: RCPT TO:<address>"})
		return
	}
	a, ok := p.path()
	if !ok {
		s.wrong(reply{501, "5.1.3", "Bad recipient address"})
		return
	}
	list, ok := p.params()
	if !ok {
		s.wrong(reply{501, "5.5.4", "Bad parameters"})
		return
	}
	o, bad := s.rcptOptions(list)
	switch {
	case bad.code != 0:
		s.wrong(bad)
		return
	case len(s.mail.recipients) >= s.server.MaxRecipients:
		s.oneTooMany(a.String())
		return
	}
	to := a.String()
	s.ask(s.commands, func() error { return s.session.Rcpt(to, &o) }, func(err error) {
		s.recipient(to, err)
	})
}

// recipient goes on with one that the Session has accepted, or not. Who asks for too
// many that are not wants to find out who is.
func (s *session) recipient(to string, err error) {
	r := s.answer("Rcpt", err, reply{250, "2.1.5", "Ok"})
	if r.agrees() {
		s.mail.recipients = append(s.mail.recipients, to)
		s.phase = addressed
		return
	}
	s.logRefused(to, r)
	if s.refused++; int(s.refused) > s.server.MaxRecipients {
		s.bye(421, "4.7.0", "Too many unknown recipients", ErrTooManyErrors)
	}
}

// oneTooMany refuses a recipient for whom this message has no room. They may come all at once,
// and be sent the next (RFC 5321, section 4.5.3.1.10): that is logged once for a
// message, and nothing wrong.
func (s *session) oneTooMany(to string) {
	s.say(tooManyRecipients)
	if !s.mail.full {
		s.mail.full = true
		s.logRefused(to, tooManyRecipients)
	}
}

// logRefused tells of a recipient that has got nothing. Those of a message are counted
// when it has come.
func (s *session) logRefused(to string, r reply) {
	if log := s.logger(); log.Enabled(context.Background(), slog.LevelInfo) {
		log.Info("smtp: recipient refused", "peer", s.RemoteAddr(), "user", s.peer.User, "from", s.mail.from, "to", to, "reply", r.logged())
	}
}

// argument begins to read what follows word, which is in any case. Spaces between
// are no part of the grammar, but what some clients send.
func (p *parser) argument(arg, word string) bool {
	if len(arg) < len(word) || !strings.EqualFold(arg[:len(word)], word) {
		return false
	}
	p.rest = strings.TrimLeft(arg[len(word):], " ")
	return true
}
