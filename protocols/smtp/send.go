package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/torsion-go/torsion/deferred"
)

// A Mail is a message for a Client to send.
type Mail struct {
	From string   // the reverse-path: who hears of failures; empty for nobody
	To   []string // whom it is for; one that is there twice is asked for once

	// Body is the message, header and all (RFC 5322), from where it stands. It is
	// read twice, on a goroutine of the Client's, and must be the same both times.
	// Lines may end as they like. A Mail whose Body is nil is a panic.
	Body io.ReadSeeker

	// Options are those of MAIL. What the message itself says is not taken from
	// here: Size, Body, and UTF8 if that is false. RequireTLS needs TLSRequired or
	// TLSImplicit, and a server that offers it; otherwise the message is refused.
	Options MailOptions

	// RcptOptions are those of RCPT, one for each of To, or none.
	RcptOptions []RcptOptions
}

// A Result is what became of a Mail.
type Result struct {
	Text string    // the server's reply to the message, which may name it; empty over LMTP
	To   []Receipt // as Mail.To
	DSN  bool      // the server sees to what the options say of reports (RFC 3461)
}

// Err returns the errors of all recipients who have not got the message, joined, with their
// addresses; nil if the server has accepted it for each. It tells of those of whom the error
// beside a Result does not, which is nil when one has got it and all is known of the others.
func (r Result) Err() error {
	var errs []error
	for _, to := range r.To {
		if to.Err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", to.Address, to.Err))
		}
	}
	return errors.Join(errs...)
}

// A Receipt is what became of a Mail for one recipient.
type Receipt struct {
	Address string
	Text    string // what the server said of this recipient when it accepted

	// Err is nil if the server has accepted the message for this recipient. If it
	// has refused the recipient it is an *SMTPError; otherwise it is that of all.
	Err error
}

// What is known of a message that was not accepted; see [SendError].
var (
	// ErrNotAccepted is a message that nobody has got: it may be sent again.
	ErrNotAccepted = errors.New("smtp: not accepted")

	// ErrUnknown is a message that was lost sight of between its end and the reply
	// to that: if it is sent again some may get it twice (RFC 1047).
	ErrUnknown = errors.New("smtp: perhaps accepted")
)

// A SendError says why a message was not accepted for anybody, or that this is not
// known; over LMTP, which has a reply for each recipient, perhaps of some only: the Result
// tells of whom. It is either [ErrNotAccepted] or [ErrUnknown], and besides what Err is: an
// *SMTPError if it was refused, by the server or by the Client itself, which then
// uses codes as a server would; otherwise an error of the network, of TLS, or
// [ErrProtocol], [ErrNoTLS], [ErrNoAuth], deferred.ErrCancelled, net.ErrClosed.
type SendError struct {
	Verb    string // what did not succeed: "connect", "STARTTLS", "AUTH", "MAIL", ...
	Unknown bool
	Err     error
}

func (e *SendError) Error() string {
	what := ErrNotAccepted
	if e.Unknown {
		what = ErrUnknown
	}
	return fmt.Sprintf("%v: %s: %v", what, e.Verb, e.Err)
}

// Unwrap returns why.
func (e *SendError) Unwrap() error { return e.Err }

// Is reports which of ErrNotAccepted and ErrUnknown e is.
func (e *SendError) Is(target error) bool {
	return target == ErrUnknown && e.Unknown || target == ErrNotAccepted && !e.Unknown
}

// Temporary reports whether it may help to try again later. It does not when a reply
// says so, with a code of 500 or above, nor after ErrNoTLS or ErrNoAuth, with an address
// that is none (*net.AddrError), or a certificate that is not trusted
// (*tls.CertificateVerificationError): somebody has to change something first.
func (e *SendError) Temporary() bool {
	if refused, ok := errors.AsType[*SMTPError](e.Err); ok {
		return refused.Temporary()
	}
	_, address := errors.AsType[*net.AddrError](e.Err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](e.Err)
	return !address && !certificate && !errors.Is(e.Err, ErrNoTLS) && !errors.Is(e.Err, ErrNoAuth)
}

// Send sends m over a connection of its own, which has ended when the Deferred
// fires. It belongs to the loop of c.Network, and fires on that; see Client.Send.
func Send(c ClientConfig, m Mail) *deferred.Deferred[Result] {
	client := c.New()
	d := client.begin(m, true)
	client.leave()
	return d
}

// SendMail is Send for goroutines, on which it waits, while c.Network runs on another. Its
// error is nil if one recipient has got the message, and it is known who else has; of these the
// Result tells, so errors.Join(err, result.Err()) is nil only if all have.
//
// If c.Network does not run the error comes after Socket.Timeout. When ctx ends the
// connection is ended; see Client.SendContext.
func SendMail(ctx context.Context, c ClientConfig, m Mail) (Result, error) {
	client := c.New()
	defer client.leave()
	return client.wait(ctx, m, true)
}
