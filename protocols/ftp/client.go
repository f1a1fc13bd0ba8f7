package ftp

import (
	"context"
	"io"
	"time"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocols/internal/serial"
)

// A Client moves files between here and one server. It connects and logs in when there
// is something to do, does one thing after the other, in order, and leaves when it has
// had nothing to do for a while. It has a goroutine while it is connected, and none
// otherwise. For several things at once there are several Clients.
//
// Methods that return a Deferred are for the loop of its Network, those with a
// context for other goroutines, and Close is for both. What is cancelled, or whose
// context ends, has its transfer broken off; the connection goes on if the server says
// so within Timeouts.Cancel, and is ended if it was not a transfer. Errors are
// *ClientError.
//
// Names are said as they are given: those that do not begin with a slash begin where
// the login has led to, and that never changes.
type Client struct {
	config ClientConfig
	runner serial.Runner[*talk]
}

// Noop asks the server for a reply, and connects to it before if need be: the login
// has worked then.
func (c *Client) Noop() *deferred.Deferred[struct{}] { return later(c, simply((*talk).noop), unknown) }

// NoopContext is Noop for goroutines, on which it waits.
func (c *Client) NoopContext(ctx context.Context) error {
	_, err := now(ctx, c, simply((*talk).noop), unknown)
	return err
}

// Quit says goodbye when all before is done, and fires when the connection has ended.
// What is asked for afterwards has another.
func (c *Client) Quit() *deferred.Deferred[struct{}] { return later(c, goodbye, unknown) }

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

// Get writes the file to a Writer, without the bytes before the offset. There is an
// error unless all has arrived: the server has said so, the connection has ended as it
// should, and the size is that which the server tells. What arrived before that was
// written all the same.
//
// The Writer is used on the Client's goroutine, after a Cancel a little longer than
// the Deferred takes. If it is nil, or the offset negative, Get panics.
func (c *Client) Get(name string, to io.Writer, offset int64) *deferred.Deferred[Copied] {
	return c.begin(getting(name, to, offset))
}

// GetContext is Get for goroutines, on which it waits. When it returns nobody uses the
// Writer any more.
func (c *Client) GetContext(ctx context.Context, name string, to io.Writer, offset int64) (Copied, error) {
	return c.wait(ctx, getting(name, to, offset))
}

// Put stores what a Reader has, in place of the file if the offset is 0. Otherwise it
// writes into the file from there on, and what is behind that stays; then, and in
// Append, the server may keep what has come when there is an error. Whether it does so
// otherwise depends on the server, which is shown an end that is none (a reset).
//
// The Reader is used on the Client's goroutine, after a Cancel a little longer than
// the Deferred takes. One that never returns holds the Client up for ever. If it is nil,
// or the offset negative, Put panics, as Append does.
func (c *Client) Put(name string, from io.Reader, offset int64) *deferred.Deferred[Copied] {
	return c.begin(putting(name, from, offset))
}

// PutContext is Put for goroutines, on which it waits. When it returns nobody uses the
// Reader any more.
func (c *Client) PutContext(ctx context.Context, name string, from io.Reader, offset int64) (Copied, error) {
	return c.wait(ctx, putting(name, from, offset))
}

// Append adds what a Reader has to the file, which is made if it is not there.
func (c *Client) Append(name string, from io.Reader) *deferred.Deferred[Copied] {
	return c.begin(appending(name, from))
}

// AppendContext is Append for goroutines, on which it waits.
func (c *Client) AppendContext(ctx context.Context, name string, from io.Reader) (Copied, error) {
	return c.wait(ctx, appending(name, from))
}

// begin does a job; Progress hears of it on the loop.
func (c *Client) begin(j *job) *deferred.Deferred[Copied] {
	j.report = c.onLoop()
	return later(c, j.task, j.verdict)
}

// wait does a job; Progress hears of it where it is done.
func (c *Client) wait(ctx context.Context, j *job) (Copied, error) {
	j.report = c.config.Progress
	return now(ctx, c, j.task, j.verdict)
}

// onLoop is Progress for whoever is not there.
func (c *Client) onLoop() func(Progress) {
	if c.config.Progress == nil {
		return nil
	}
	return func(p Progress) {
		_ = c.config.Network.Call(func() { c.config.Progress(p) }) // one that has stopped does not want to know
	}
}

// List lists a folder, or that where the login has led to if the name is empty.
func (c *Client) List(name string) *deferred.Deferred[Listing] {
	return later(c, listingOf(name), unknown)
}

// ListContext is List for goroutines, on which it waits.
func (c *Client) ListContext(ctx context.Context, name string) (Listing, error) {
	return now(ctx, c, listingOf(name), unknown)
}

func listingOf(name string) task[Listing] {
	return doing(func(t *talk) (Listing, error) { return t.list(name) })
}

// Size asks how many bytes a file has.
func (c *Client) Size(name string) *deferred.Deferred[int64] {
	return later(c, sizing(name), unknown)
}

// SizeContext is Size for goroutines, on which it waits.
func (c *Client) SizeContext(ctx context.Context, name string) (int64, error) {
	return now(ctx, c, sizing(name), unknown)
}

func sizing(name string) task[int64] {
	return doing(func(t *talk) (int64, error) { return t.fileSize(name) })
}

// ModTime asks when a file was modified.
func (c *Client) ModTime(name string) *deferred.Deferred[time.Time] {
	return later(c, dating(name), unknown)
}

// ModTimeContext is ModTime for goroutines, on which it waits.
func (c *Client) ModTimeContext(ctx context.Context, name string) (time.Time, error) {
	return now(ctx, c, dating(name), unknown)
}

func dating(name string) task[time.Time] {
	return doing(func(t *talk) (time.Time, error) { return t.modTime(name) })
}

// Pwd asks where the login has led to.
func (c *Client) Pwd() *deferred.Deferred[string] { return later(c, doing((*talk).pwd), unknown) }

// PwdContext is Pwd for goroutines, on which it waits.
func (c *Client) PwdContext(ctx context.Context) (string, error) {
	return now(ctx, c, doing((*talk).pwd), unknown)
}
