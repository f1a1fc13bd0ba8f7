package smtp

import (
	"context"
	"errors"
	"fmt"
	"net"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/torsion-go/torsion/protocols/secure"
)

// A talk is a Client's connection to the server, one after the other. It belongs to
// the Client's goroutine, and waits there.
type talk struct {
	config   *ClientConfig
	raw      net.Conn // below TLS; nil: there is no connection
	wire     *wire
	smtp     *gosmtp.Client // speaks over wire
	greeting answer
	dirty    bool // the server is in a transaction that came to nothing
	gone     bool // nothing more can be said
	release  func() bool
}

// do has f done over a connection, until ctx ends. If there is one from before that
// the server has ended meanwhile, which shows at the first word, there is another.
func (t *talk) do(ctx context.Context, f func() error) error {
	again := t.raw != nil
	if again {
		t.endWith(ctx)
		t.wire.heard = false
	}
	err := t.try(ctx, f)
	if again && t.gone && !t.wire.heard && ctx.Err() == nil {
		t.close()
		err = t.try(ctx, f)
	}
	if t.raw != nil && (!t.release() || t.gone) {
		t.close()
	}
	e, ok := errors.AsType[*SendError](err)
	if _, refused := errors.AsType[*SMTPError](err); ok && !refused && ctx.Err() != nil {
		e.Err = context.Cause(ctx) // instead of what came of it
	}
	return err
}

func (t *talk) try(ctx context.Context, f func() error) error {
	if t.raw != nil && t.dirty {
		if _, err := t.command("RSET", 250); err != nil { // a new connection is in no transaction
			t.close()
		}
		t.dirty = false
	}
	if t.raw == nil {
		if err := t.connect(ctx); err != nil {
			return err
		}
	}
	return f()
}

// endWith has the connection end when ctx does, until release.
func (t *talk) endWith(ctx context.Context) {
	raw := t.raw
	t.release = context.AfterFunc(ctx, func() { _ = raw.Close() })
}

// connect leaves a connection on which mail may be sent, or none. An opportunist
// whose handshake fails has no connection any more, and begins again without.
func (t *talk) connect(ctx context.Context) error {
	if err := t.config.check(); err != nil {
		return err
	}
	security := t.config.security()
	err := t.open(ctx, security)
	_, handshake := errors.AsType[*secure.HandshakeError](err)
	if handshake && security == TLSOpportunistic && ctx.Err() == nil {
		t.close()
		err = t.open(ctx, TLSNever)
	}
	if err != nil {
		t.close()
	}
	return err
}

// open connects, and says what comes before mail.
func (t *talk) open(ctx context.Context, security Security) (err error) {
	t.dirty, t.gone = false, false
	if t.raw, err = t.config.dial(ctx); err != nil {
		t.raw = nil
		return &SendError{Verb: "connect", Err: err}
	}
	t.endWith(ctx)
	t.wire = newWire(t.raw, &t.config.Timeouts)
	if security == TLSImplicit {
		if err = t.handshake(ctx, "TLS"); err != nil {
			return err
		}
	}
	if err = t.greet(); err != nil {
		return err
	}
	if err = t.hello(); err != nil {
		return err
	}
	if security == TLSRequired || security == TLSOpportunistic {
		if err = t.startTLS(ctx, security == TLSRequired); err != nil {
			return err
		}
	}
	return t.authenticate()
}

func (t *talk) handshake(ctx context.Context, verb string) error {
	t.wire.err = t.wire.StartTLS(ctx, t.config.tls(), t.config.Timeouts.TLS)
	return t.fault(verb, t.wire.err)
}

// greet waits for the greeting.
func (t *talk) greet() (err error) {
	t.wire.patience = t.config.Timeouts.Greeting
	t.greeting, err = t.wire.answer()
	return t.expect("greeting", 220, t.greeting, err)
}

// hello says who we are, and learns what the server can do. go-smtp wants to have
// been greeted first.
func (t *talk) hello() error {
	t.wire.patience = t.config.Timeouts.Command
	t.wire.replay(t.greeting)
	verb := "EHLO"
	if t.config.LMTP {
		verb, t.wire.noHELO = "LHLO", true
		t.smtp = gosmtp.NewClientLMTP(t.wire)
	} else {
		t.smtp = gosmtp.NewClient(t.wire)
	}
	return t.fault(verb, t.smtp.Hello(t.config.localName(t.raw.LocalAddr())))
}

// startTLS changes to TLS and begins anew: what was said in clear is forgotten
// (RFC 3207, section 4.2). It is not go-smtp's, whose replies behind it would not
// come by the wire.
func (t *talk) startTLS(ctx context.Context, required bool) error {
	if ok, _ := t.smtp.Extension("STARTTLS"); !ok {
		if required {
			return &SendError{Verb: "STARTTLS", Err: fmt.Errorf("%w: the server does not offer STARTTLS", ErrNoTLS)}
		}
		return nil
	}
	if _, err := t.command("STARTTLS", 220); err != nil {
		refused, ok := errors.AsType[*SMTPError](err)
		switch {
		case !ok || t.gone:
			return err
		case required:
			return &SendError{Verb: "STARTTLS", Err: fmt.Errorf("%w: %w", ErrNoTLS, refused)}
		}
		return nil
	}
	if err := t.handshake(ctx, "STARTTLS"); err != nil {
		return err
	}
	return t.hello()
}

// command says a line of ours, and expects a reply.
func (t *talk) command(line string, code int) (answer, error) {
	t.wire.patience = t.config.Timeouts.Command
	r, err := t.wire.command(line)
	return r, t.expect(line, code, r, err)
}

func (t *talk) expect(verb string, code int, r answer, err error) error {
	if err == nil && r.code != code {
		err = r.err()
	}
	return t.fault(verb, err)
}

// fault is err as a SendError, for which nothing was accepted. It finds out whether
// the connection can be used further.
func (t *talk) fault(verb string, err error) error {
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*SMTPError](err)
	switch {
	case t.wire.err != nil:
		t.gone = true
		err = t.wire.err
	case !ok: // go-smtp's own, before it has sent anything
		err = refusal(554, EnhancedCode{5, 5, 4}, err.Error())
	case refused.Code < 400:
		t.gone = true
		err = fmt.Errorf("%w: a reply of %d", ErrProtocol, refused.Code)
	case refused.Code == 421: // RFC 5321, section 3.8
		t.gone = true
	}
	return &SendError{Verb: verb, Err: err}
}

// noop asks for any reply.
func (t *talk) noop() error {
	t.wire.patience = t.config.Timeouts.Command
	return t.fault("NOOP", t.smtp.Noop())
}

// Quit says goodbye, if that is possible, until ctx ends.
func (t *talk) Quit(ctx context.Context) {
	if t.raw != nil && !t.gone {
		t.endWith(ctx)
		t.wire.patience, t.wire.block = t.config.Timeouts.Quit, t.config.Timeouts.Quit
		_ = t.smtp.Quit() // it is over in any case
	}
	t.close()
}

// Conn is for the Runner, as what follows.
func (t *talk) Conn() net.Conn { return t.raw }

func (t *talk) Peek() error {
	_, err := t.wire.In.Peek(1)
	return err
}

func (t *talk) Drop() {
	t.gone = true
	t.close()
}

// close ends the connection.
func (t *talk) close() {
	if t.raw == nil {
		return
	}
	t.release()
	if t.gone {
		_ = t.raw.Close() // TLS would have something to say
	} else {
		_ = t.wire.Close()
	}
	t.raw = nil
}
