package smtp

import (
	"errors"
	"fmt"
	"io"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/torsion-go/torsion/deferred"
)

var errChanged = errors.New("smtp: the message has changed while it was sent")

// transact is one transaction (RFC 5321, section 3.3).
func (t *talk) transact(a *attempt) error {
	if err := t.mail(a); err != nil {
		return err
	}
	a.res.DSN = t.offers("DSN")
	t.dirty = true
	if err := t.recipients(a); err != nil {
		return err
	}
	message, err := t.message(a)
	if err != nil {
		return err
	}
	if !a.at.CompareAndSwap(before, sent) {
		t.gone = true
		return &SendError{Verb: "DATA", Err: deferred.ErrCancelled}
	}
	t.dirty = false
	t.wire.patience, t.wire.whole = t.config.Timeouts.Final, false
	defer func() { t.wire.data = false }()
	if t.config.LMTP {
		return t.finishEach(a, message)
	}
	return t.finish(a, message)
}

// mail says whom the message is from and what it is like, if the server takes such.
func (t *talk) mail(a *attempt) error {
	options := a.m.Options
	options.Size = a.survey.size
	options.UTF8 = options.UTF8 || a.survey.utf8 || !isASCII(a.from)
	if err := t.takes(a, &options); err != nil {
		return &SendError{Verb: "MAIL", Err: err}
	}
	for _, to := range a.to { // who needs it is refused where there is none, for the others' sake
		options.UTF8 = options.UTF8 || t.offers("SMTPUTF8") && !isASCII(to)
	}
	if options.Auth != nil && *options.Auth == "" { // as our server has it
		nobody := "<>" // RFC 4954, section 5
		options.Auth = &nobody
	}
	a.utf8 = options.UTF8
	t.wire.patience = t.config.Timeouts.Command
	t.wire.sevenBit = !a.survey.eight && t.offers("8BITMIME")
	return t.fault("MAIL", t.smtp.Mail(a.from, &options))
}

// takes finds out whether the server can take such a message at all.
func (t *talk) takes(a *attempt, options *MailOptions) error {
	size, limited := t.smtp.MaxMessageSize()
	switch {
	case limited && size > 0 && a.survey.size > int64(size): // RFC 1870, section 6.1
		return refusal(552, EnhancedCode{5, 3, 4}, fmt.Sprintf("%d bytes are too many: the server takes %d", a.survey.size, size))
	case options.UTF8 && !t.offers("SMTPUTF8"): // RFC 6531, section 3.5
		return refusal(550, EnhancedCode{5, 6, 7}, "the server does not offer SMTPUTF8")
	case a.survey.eight && !t.offers("8BITMIME"): // RFC 6152, section 3
		return refusal(554, EnhancedCode{5, 6, 3}, "the server does not offer 8BITMIME")
	case options.RequireTLS && !(t.config.verifies() && t.offers("REQUIRETLS")): // RFC 8689, section 4.2.1
		return refusal(550, EnhancedCode{5, 7, 30}, "the server does not offer REQUIRETLS, with TLS that proves who it is")
	}
	return nil
}

// refusal is one of ours.
func refusal(code int, status EnhancedCode, text string) *SMTPError {
	return &SMTPError{Code: code, EnhancedCode: status, Message: text}
}

func (t *talk) offers(extension string) bool {
	ok, _ := t.smtp.Extension(extension)
	return ok
}

// recipients says whom the message is for. One that is refused does not keep it from
// the others.
func (t *talk) recipients(a *attempt) error {
	for i, to := range a.to {
		r := &a.res.To[i]
		if r.Err != nil || a.as[i] != i {
			continue
		}
		if !isASCII(to) && !t.offers("SMTPUTF8") {
			r.Err = refusal(553, EnhancedCode{5, 6, 7}, "the server does not offer SMTPUTF8")
			continue
		}
		if err := t.fault("RCPT", t.smtp.Rcpt(to, a.options(i))); t.gone {
			return err
		} else if err != nil {
			r.Err = errors.Unwrap(err)
			continue
		}
		r.Text = t.wire.last.text()
	}
	return a.refused()
}

// options are those of RCPT for one of the recipients. An original one with other letters
// than ASCII is written in ASCII (RFC 6533, section 3) unless MAIL has said SMTPUTF8, which it does
// not for this: it would keep the message from servers that can take it.
func (a *attempt) options(i int) *RcptOptions {
	if a.m.RcptOptions == nil {
		return nil
	}
	o := a.m.RcptOptions[i]
	if o.OriginalRecipientType == gosmtp.DSNAddressTypeUTF8 && !a.utf8 && !isASCII(o.OriginalRecipient) {
		o.OriginalRecipient = asciiAddress(o.OriginalRecipient) // go-smtp leaves that as it is
	}
	return &o
}

// message says all of it but for its end. Where that fails the connection is ended,
// for anything else would be taken for more of the message.
func (t *talk) message(a *attempt) (*gosmtp.DataCommand, error) {
	t.wire.patience = t.config.Timeouts.Data
	message, err := t.smtp.Data()
	if err != nil {
		return nil, t.fault("DATA", err)
	}
	t.wire.data = true
	var s survey
	_, err = io.Copy(&lineEnder{to: io.MultiWriter(message, &s)}, onlyReader{a.m.Body})
	switch {
	case t.wire.err != nil:
		return nil, t.fault("DATA", err)
	case err == nil && s.done() != a.survey:
		err = errChanged
	}
	if err != nil {
		t.gone = true
		return nil, &SendError{Verb: "DATA", Err: err}
	}
	return message, nil
}

// finish ends the message, and waits for the one reply to it.
func (t *talk) finish(a *attempt, message *gosmtp.DataCommand) error {
	reply, err := message.CloseWithResponse()
	if err != nil {
		return t.unfinished(err)
	}
	a.res.Text = reply.StatusText
	return nil
}

// unfinished is what is known of a message that was ended and not accepted. If the
// server has all of it and does not tell, it is nothing.
func (t *talk) unfinished(err error) error {
	err = t.fault("end of DATA", err)
	if e, ok := errors.AsType[*SendError](err); ok {
		_, refused := errors.AsType[*SMTPError](err)
		e.Unknown = t.wire.whole && !refused
	}
	return err
}

// finishEach ends the message, and waits for the replies to each recipient that was
// not refused (RFC 2033, section 4.2).
func (t *talk) finishEach(a *attempt, message *gosmtp.DataCommand) error {
	replies, err := message.CloseWithLMTPResponse()
	refusals, _ := errors.AsType[gosmtp.LMTPDataError](err)
	var lost error
	for i, to := range a.to {
		r := &a.res.To[i]
		if r.Err != nil || a.as[i] != i {
			continue
		}
		reply, accepted := replies[to]
		switch refusal := refusals[to]; {
		case accepted:
			r.Text = reply.StatusText
		case refusal != nil && refusal.Code >= 400:
			r.Text, r.Err = "", refusal
		case lost == nil && refusal != nil:
			lost = t.unfinished(refusal)
			r.Text, r.Err = "", lost
		case lost == nil:
			lost = t.unfinished(err)
			fallthrough
		default:
			r.Text, r.Err = "", lost
		}
	}
	a.each = true
	if lost != nil {
		return lost
	}
	return a.refused()
}
