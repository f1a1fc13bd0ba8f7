package smtp

import (
	"context"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocols/internal/serial"
)

// A Client sends mail to one server. It connects when there is something to do, does
// one thing after the other, in order, and leaves when it has had nothing to do for a
// while. It has a goroutine while it is connected, and none otherwise.
//
// Methods that return a Deferred are for the loop of its Network, those with a
// context for other goroutines, and Close is for both. What is cancelled, or whose
// context ends, takes the connection with it.
type Client struct {
	config ClientConfig
	runner serial.Runner[*talk]
}

// Send sends m, in its turn. The Result tells of each recipient; the error is a
// *SendError if nobody got the message, or if that is not known of somebody. It fires when
// the server has replied.
//
// Cancel gives the message up at once, and then the error says whether it may have
// been accepted. Its Body may be in use a little longer.
func (c *Client) Send(m Mail) *deferred.Deferred[Result] { return c.begin(m, false) }

// SendContext is Send for goroutines, on which it waits. When it returns nobody uses
// the Body any more.
func (c *Client) SendContext(ctx context.Context, m Mail) (Result, error) {
	return c.wait(ctx, m, false)
}

// Noop asks the server for a reply, and connects to it before if need be: what comes
// before mail has worked then.
func (c *Client) Noop() *deferred.Deferred[struct{}] {
	return later(c, only((*talk).noop), unknown)
}

// NoopContext is Noop for goroutines, on which it waits.
func (c *Client) NoopContext(ctx context.Context) error {
	_, err := now(ctx, c, only((*talk).noop), unknown)
	return err
}

// Quit says goodbye when all before is done, and fires when the connection has ended.
// What is asked for afterwards has another.
func (c *Client) Quit() *deferred.Deferred[struct{}] {
	return later(c, goodbye, unknown)
}

// QuitContext is Quit for goroutines, on which it waits.
func (c *Client) QuitContext(ctx context.Context) error {
	_, err := now(ctx, c, goodbye, unknown)
	return err
}

// Close ends what is under way, refuses what waits and what comes, with
// net.ErrClosed, and does not wait. If there is nothing under way the server is told
// goodbye. It may be called again. The error is nil.
func (c *Client) Close() error {
	c.runner.Close()
	return nil
}

// leave is Close when all is done.
func (c *Client) leave() { c.runner.Leave() }

// begin sends m over a connection that is ended afterwards, or stays.
func (c *Client) begin(m Mail, last bool) *deferred.Deferred[Result] {
	a := newAttempt(m)
	return later(c, sending(a, last), a.verdict)
}

func (c *Client) wait(ctx context.Context, m Mail, last bool) (Result, error) {
	a := newAttempt(m)
	return now(ctx, c, sending(a, last), a.verdict)
}
