// Package smtp is a mail server (RFC 5321), and a client for one.
//
//	inbox := &smtp.Inbox{}
//	server := smtp.Config{Domain: "mx.our.test"}.New(&smtp.Local{Domains: []string{"our.test"}, Delivery: inbox})
//	port, err := r.Listen("tcp", ":25", server) // r is a factory.Network
//
// A Config with a Backend is a factory.Factory, so what stands around any factory
// stands around this one: limits ([Config.Busy] is their Overflow), throttles, idle
// timeouts, traffic logs, the PROXY protocol.
//
// # Three ways to take mail
//
// A [Delivery] is asked to take whole messages, and need not know SMTP: [Maildir]
// keeps them on disk, [Inbox] in memory, [Func] is a function of yours. [Local] is the
// Backend in front of it: it knows which domains and mailboxes are ours, who may log
// in, and that we are no relay. A Backend of your own makes a [Session] for each
// connection, and decides about every sender, recipient and message. Sessions are those
// of emersion/go-smtp, and run here as they were written for its server; only what makes
// them is told a [Peer] instead of a *smtp.Conn:
//
//	backend := smtp.BackendFunc(func(p *smtp.Peer) (smtp.Session, error) {
//		return &session{from: p.Remote}, nil
//	})
//
// # Where the server runs
//
// It belongs to the loop of its connections. A Session is asked on goroutines
// of the loop's pool, one question at a time, so it may block; one that never does says
// so (LoopSession) and is asked on the loop. The pool is small: a reactor has
// Config.Workers goroutines, 4 if nothing else was said, for all that any of its
// connections waits for. Calls that wait for another server, a database or LDAP, have to
// have a time limit, and a larger pool. A message is handed over when all of it
// has arrived: up to Config.MaxMemory it waits in memory, then in a file. So a slow
// client holds no goroutine, and one that is cut off delivers no half.
//
// When the loop stops, a client is told goodbye (421) as soon as it is not within a
// transaction and the Session has answered. One that is silent behind MAIL or RCPT, or
// within a message, may still go on, and is told it a second before the loop's DrainTimeout
// is over, which resets whoever is left.
//
// # What is logged
//
// The loop's logger is told of each message at Info ("smtp: message"), and of whatever was
// refused before there was one: "smtp: sender refused", "smtp: recipient refused" and, where
// nobody may log in that way, "smtp: login refused". A password that was not taken is a Warn,
// "smtp: login failed". Each line has the peer, the user who is logged in or has tried to, and
// the reply. A program that keeps out who guesses (fail2ban) finds him in what slog writes by
// default, and in what its TextHandler does, by
//
//	^\s*WARN smtp: login failed peer=\[?<HOST>\]?:\d+ user=
//	^time=\S* level=WARN msg="smtp: login failed" peer=\[?<HOST>\]?:\d+ user=
//
// Keep the beginning: further on a line says what clients say, in quotes, and that may be this.
// What is wrong here is an Error, with the call that has failed.
//
// # Sending
//
//	go r.Run(ctx) // a reactor
//	c := smtp.ClientConfig{Network: r, Addr: "mail.example.com:587", User: "ann", Password: secret}
//	result, err := smtp.SendMail(ctx, c, smtp.Mail{
//		From: "ann@example.com", To: []string{"bob@example.org"}, Body: strings.NewReader(text),
//	})
//
// SendMail waits and is for goroutines; [Send] answers a Deferred and is for the loop;
// a [Client] keeps its connection for the next message. TLS is required unless the
// config says otherwise. An error says whether the message may be sent again
// ([ErrNotAccepted]) or has perhaps arrived ([ErrUnknown]). There is none if the server has
// taken the message for one recipient at least, and over LMTP has said what it has done for each:
// errors.Join(err, result.Err()) is nil only if it has taken it for all. See the examples of
// Send, SendMail, Queue, Inbox and Maildir.
//
// A [Queue] does that until it succeeds or there is no hope: it keeps messages on disk,
// finds the servers of each domain or uses one for all, tries again for days, and tells
// senders what has failed. It is a Delivery, for Local.Outgoing and for programs.
//
// # What the server offers
//
// SMTP and LMTP (RFC 2033) with PIPELINING (RFC 2920), 8BITMIME (6152), SIZE (1870),
// CHUNKING (3030), SMTPUTF8 (6531), ENHANCEDSTATUSCODES (2034), STARTTLS (3207), TLS
// from the start (8314), AUTH (4954) where nobody listens in, and DSN (3461) if the
// Session keeps what that promises.
//
// # Where it is strict
//
// Only CRLF ends a line, and only CRLF.CRLF a message: one in which a CR or LF stands
// on its own is read to its end and refused, and its connection ends, for whoever
// stands in front of us may have seen two messages there. The same holds for a BDAT
// in which anything is wrong, for a line within a transaction that is too long to tell
// whether it is one, and for silence inside a message. What a client pipelines in clear
// behind STARTTLS ends the connection, too. Addresses are parsed, and handed on in one
// form; a quoted local part stays quoted. Lines, messages, recipients, errors, logins
// and time have bounds, all of which are in Config; see there.
package smtp
