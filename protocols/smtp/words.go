package smtp

import gosmtp "github.com/emersion/go-smtp"

// The words are those of emersion/go-smtp: a Session written for its server runs
// here as it is. See there for the fields.
type (
	// A Session is asked about one connection's mail, one question at a time: Mail,
	// Rcpt for each recipient, then Data with the whole message. Returning an
	// *SMTPError is the reply (one of 2xx is nil with a text of its own); what any
	// other error says is logged, and the client is told 451 4.3.0 (452 4.3.1 if
	// the disk is full). Reset ends each transaction, whatever became of it, and
	// Logout is the last call, which comes in any case: if the loop has stopped
	// meanwhile, on a goroutine of its own.
	//
	// Nothing is asked while a question is open. The calls are made on goroutines of
	// the loop's pool, so they may block, unless the Session is a [LoopSession]. All
	// connections of a reactor share that pool (its Config.Workers, 4 if zero): what may
	// wait for another server has to have a time limit, and a pool that is large enough.
	//
	// Data is called when the message has arrived whole. Its r is an io.ReadSeeker,
	// and need not be read to its end.
	Session = gosmtp.Session

	// An AuthSession is a Session whose clients may say who they are. AuthMechanisms is
	// called on the loop, so it may not block; Auth and what it returns are not.
	AuthSession = gosmtp.AuthSession

	// An LMTPSession has a reply for each recipient (RFC 2033, section 4.2).
	LMTPSession = gosmtp.LMTPSession

	// A StatusCollector takes these.
	StatusCollector = gosmtp.StatusCollector

	// MailOptions are the parameters of MAIL.
	MailOptions = gosmtp.MailOptions

	// RcptOptions are the parameters of RCPT.
	RcptOptions = gosmtp.RcptOptions

	// An SMTPError is a reply: of 400 and above, or a yes of 2xx with a text of its own.
	SMTPError = gosmtp.SMTPError

	// An EnhancedCode says more precisely why (RFC 3463).
	EnhancedCode = gosmtp.EnhancedCode
)
