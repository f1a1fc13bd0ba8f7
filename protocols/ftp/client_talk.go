package ftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	goftp "github.com/jlaffaye/ftp"

	"github.com/torsion-go/torsion/protocols/secure"
)

// A talk is a Client's connection to the server, one after the other. It belongs to
// the Client's goroutine, and waits there.
type talk struct {
	config *ClientConfig
	raw    net.Conn // below TLS; nil: there is no connection
	wire   *wire
	ftp    *goftp.ServerConn // speaks over wire
	guard  *guard            // of what is done now
	data   *stream           // of the transfer that is done now, if it came that far
	next   stream            // what the next one is to be
	dial   func(addr string) (net.Conn, error)
	home   string // where it is, and stays; empty until that is known
	gone   bool   // nothing more can be said
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
	if t.raw != nil && (!t.guard.release() || t.gone) {
		t.gone = true
		t.close()
	}
	e, ok := errors.AsType[*ClientError](err)
	if _, refused := errors.AsType[*Error](err); ok && ctx.Err() != nil && (!refused || t.data != nil) {
		e.Err = context.Cause(ctx) // instead of what came of it
	}
	t.data = nil
	return err
}

func (t *talk) try(ctx context.Context, f func() error) error {
	t.data = nil
	if t.raw == nil {
		if err := t.connect(ctx); err != nil {
			return err
		}
	}
	return f()
}

// endWith has what is done end when ctx does, until it is released.
func (t *talk) endWith(ctx context.Context) {
	t.guard = newGuard(ctx, t.raw, t.config.Timeouts.Cancel)
	t.dial = func(addr string) (net.Conn, error) { return t.config.dial(ctx, addr) }
}

// connect leaves a connection on which somebody is logged in, or none.
func (t *talk) connect(ctx context.Context) error {
	if err := t.config.check(); err != nil {
		return err
	}
	err := t.open(ctx)
	if err != nil {
		t.close()
	}
	return err
}

// open connects, and says what comes before all else.
func (t *talk) open(ctx context.Context) (err error) {
	t.gone, t.home = false, ""
	if t.raw, err = t.config.dial(ctx, t.config.Addr); err != nil {
		t.raw = nil
		return &ClientError{Verb: "connect", Err: err}
	}
	t.endWith(ctx)
	t.wire = newWire(t.raw, &t.config.Timeouts)
	if t.config.Security == TLSImplicit {
		if err = t.handshake(ctx, "TLS"); err != nil {
			return err
		}
	}
	greeting, err := t.greet()
	if err != nil {
		return err
	}
	if t.config.Security == TLSRequired {
		if err = t.startTLS(ctx); err != nil {
			return err
		}
	}
	return t.login(greeting)
}

// greet waits for the greeting, which some announce (RFC 959, section 5.4).
func (t *talk) greet() (r answer, err error) {
	t.wire.patience = t.config.Timeouts.Greeting
	for range 10 {
		if r, err = t.wire.answer(); err != nil || r.code >= 200 {
			break
		}
	}
	return r, t.expect("greeting", r, err)
}

// startTLS changes to TLS. It is not the library's, whose replies behind it would not
// come by the wire.
func (t *talk) startTLS(ctx context.Context) error {
	if _, err := t.command("AUTH TLS"); err != nil {
		refused, ok := errors.AsType[*Error](err)
		if !ok || t.gone {
			return err
		}
		return &ClientError{Verb: "AUTH", Err: fmt.Errorf("%w: %w", ErrNoTLS, refused)}
	}
	return t.handshake(ctx, "AUTH")
}

func (t *talk) handshake(ctx context.Context, verb string) error {
	err := t.wire.StartTLS(ctx, t.config.TLS, t.config.Timeouts.TLS)
	if h, ok := errors.AsType[*secure.HandshakeError](err); ok {
		h.Err = lost(h.Err)
	}
	t.wire.err = err
	return t.fault(verb, err)
}

// login says who we are, and learns what the server can do. The library wants to have
// been greeted first; it then asks for data over TLS if it knows of some.
func (t *talk) login(greeting answer) (err error) {
	t.wire.patience = t.config.Timeouts.Command
	t.wire.verb = ""
	t.wire.replay(greeting)
	control := net.Conn(t.wire)
	options := []goftp.DialOption{goftp.DialWithDialFunc(func(_, addr string) (net.Conn, error) {
		if c := control; c != nil {
			control = nil
			return c, nil
		}
		return t.openData(addr)
	})}
	if t.config.Security != TLSNever {
		options = append(options, goftp.DialWithTLS(t.config.TLS))
	}
	if t.ftp, err = goftp.Dial(t.config.Addr, options...); err != nil {
		return t.fault("greeting", err)
	}
	err = t.fault("", t.ftp.Login(t.config.login()))
	if e, ok := errors.AsType[*ClientError](err); ok && t.wire.last.code == 332 {
		e.Err = fmt.Errorf("%w: the server wants an account, too", ErrNoAuth)
	}
	return err
}

// openData connects to the port that the server has named, at the address where the
// server is, whatever address it has named.
func (t *talk) openData(addr string) (net.Conn, error) {
	_, text, err := net.SplitHostPort(addr)
	port, err2 := strconv.ParseUint(text, 10, 16)
	server, ok := t.raw.RemoteAddr().(*net.TCPAddr)
	if err != nil || err2 != nil || port == 0 || !ok {
		return nil, fmt.Errorf("%w: a port %.20q", ErrProtocol, text)
	}
	to := netip.AddrPortFrom(server.AddrPort().Addr(), uint16(port))
	raw, err := t.dial(to.String())
	if err != nil {
		return nil, &dataError{err}
	}
	t.data = t.next.over(raw, t.wire, t.config)
	if !t.guard.watch(t.data) {
		return nil, &dataError{net.ErrClosed}
	}
	return t.data, nil
}

// A dataError is one of a connection for data, behind which all can go on.
type dataError struct{ error }

func (e *dataError) Unwrap() error { return e.error }

// command says a line of ours, and expects that it succeeds.
func (t *talk) command(line string) (answer, error) {
	t.wire.patience = t.config.Timeouts.Command
	r, err := t.wire.command(line)
	return r, t.expect("", r, err)
}

func (t *talk) expect(verb string, r answer, err error) error {
	if err == nil && r.code/100 != 2 {
		err = r.err()
	}
	return t.fault(verb, err)
}

// fault is err as a ClientError, of the last command if verb is empty. It finds out
// whether the connection can be used further.
func (t *talk) fault(verb string, err error) error {
	if err == nil {
		return nil
	}
	if verb == "" {
		verb = t.wire.verb
	}
	code := t.wire.last.code
	_, data := errors.AsType[*dataError](err)
	switch {
	case t.wire.err != nil:
		t.gone = true
		err = t.wire.err
	case data:
	case code >= 400:
		err = t.wire.last.err()
	default: // a reply that means nothing here, or that the library cannot read
		t.gone = true
		err = fmt.Errorf("%w: a reply of %d: %w", ErrProtocol, code, err)
	}
	return &ClientError{Verb: verb, Err: err}
}

// plainly has the library say a command, and expects its reply.
func (t *talk) plainly(f func() error) error {
	t.wire.patience = t.config.Timeouts.Command
	return t.fault("", f())
}

// Quit says goodbye, if that is possible, until ctx ends.
func (t *talk) Quit(ctx context.Context) {
	if t.raw != nil && !t.gone {
		t.endWith(ctx)
		t.wire.patience, t.wire.block = t.config.Timeouts.Quit, t.config.Timeouts.Quit
		_, _ = t.wire.command("QUIT") // it is over in any case
		t.gone = !t.guard.release()
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
	if t.data != nil {
		_ = t.data.abort()
	}
	t.gone = true
	t.close()
}

// close ends the connection.
func (t *talk) close() {
	if t.raw == nil {
		return
	}
	t.guard.release()
	if t.gone {
		_ = t.raw.Close() // TLS would have something to say
	} else {
		_ = t.wire.Close()
	}
	t.raw = nil
}
