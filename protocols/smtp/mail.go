package smtp

import "strings"

// mailFrom begins a transaction (RFC 5321, section 4.1.1.2).
func (s *session) mailFrom(arg string) {
	from, o, bad := s.sender(arg)
	if bad.code != 0 {
		s.logSender(from, s.wrong(bad))
		return
	}
	s.mail = &transaction{from: from, utf8: o.UTF8} // for the Session it begins now
	s.ask(s.commands, func() error { return s.session.Mail(from, &o) }, func(err error) {
		r := s.answer("Mail", err, reply{250, "2.1.0", "Ok"})
		if r.agrees() {
			s.phase = mailing
			return
		}
		s.mail = nil
		s.logSender(from, r)
	})
}

// sender reads the argument of MAIL: the reverse-path, or what there was instead, and options.
// The reply has no code if there is nothing wrong.
func (s *session) sender(arg string) (from string, o MailOptions, bad reply) {
	p := parser{utf8: true}
	if !p.argument(arg, "FROM:") {
		return arg, o, reply{501, "5.5.4", "Syntax: MAIL FROM:<address>"}
	}
	if !p.nullPath() {
		a, ok := p.path()
		if !ok || a.Domain == "" {
			return arg, o, reply{501, "5.1.7", "Bad sender address"}
		}
		from = a.String()
	}
	list, ok := p.params()
	if !ok {
		return from, o, reply{501, "5.5.4", "Bad parameters"}
	}
	if o, bad = s.mailOptions(list); bad.code == 0 && !o.UTF8 && !isASCII(arg) {
		bad = reply{501, "5.6.7", "SMTPUTF8 required"}
	}
	return from, o, bad
}

// rcptTo adds a recipient (RFC 5321, section 4.1.1.3).
func (s *session) rcptTo(arg string) {
	to, o, bad := s.receiver(arg)
	switch {
	case bad.code != 0:
		s.logRecipient(to, s.wrong(bad))
		return
	case len(s.mail.recipients) >= s.server.MaxRecipients:
		s.oneTooMany(to)
		return
	}
	s.ask(s.commands, func() error { return s.session.Rcpt(to, &o) }, func(err error) {
		s.recipient(to, err)
	})
}

// receiver reads the argument of RCPT, as sender does.
func (s *session) receiver(arg string) (to string, o RcptOptions, bad reply) {
	p := parser{utf8: s.mail.utf8}
	if !p.argument(arg, "TO:") {
		return arg, o, reply{501, "5.5.4", "Syntax: RCPT TO:<address>"}
	}
	a, ok := p.path()
	if !ok {
		return arg, o, reply{501, "5.1.3", "Bad recipient address"}
	}
	list, ok := p.params()
	if !ok {
		return a.String(), o, reply{501, "5.5.4", "Bad parameters"}
	}
	o, bad = s.rcptOptions(list)
	return a.String(), o, bad
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
	s.logRecipient(to, r)
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
		s.logRecipient(to, tooManyRecipients)
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
