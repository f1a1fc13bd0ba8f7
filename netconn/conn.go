package netconn

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

const (
	full = 64 << 10 // bytes in a buffer for which the other side has to wait
	few  = 32 << 10 // bytes of input left when more is asked for
)

// A conn is one connection as goroutines see it. What the loop sees of it is its
// side; both meet in what stands under mu.
type conn struct {
	t             protocol.Transport // the loop's
	loop          protocol.Loop
	local, remote net.Addr
	tls           *tls.ConnectionState // nil without TLS

	mu       sync.Mutex
	readable sync.Cond // for Read: something has come, or nothing more will
	writable sync.Cond // for the Write whose turn it is: there is room, or will be none
	turn     sync.Cond // for the other Writes: it is over

	in      *bytes.Buffer // received and not read; nil if there is nothing
	inEnd   error         // what comes behind in; nil while that is not known
	outEnd  error         // why nothing more can be written; nil while it can
	out     *bytes.Buffer // written and not handed to t; nil if there is nothing
	writing bool          // it is somebody's turn
	closed  bool          // by Close
	readBy  deadline
	writeBy deadline
	watch   watch

	paused   bool // t does not read
	resuming bool // and a call is posted to change that
	blocked  bool // t has enough for now
	flushing bool // a call is posted that hands out to t
}

var (
	_ net.Conn           = (*conn)(nil)
	_ protocol.TLSStater = (*conn)(nil)
)

func newConn() *conn {
	c := &conn{}
	c.readable.L, c.writable.L, c.turn.L = &c.mu, &c.mu, &c.mu
	c.readBy.waiting, c.writeBy.waiting = &c.readable, &c.writable
	return c
}

// Read takes what has been received, and waits until there is something. Nothing
// touches p when it has returned.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sure := false; ; c.wait(&c.readable, &sure) {
		switch {
		case c.closed:
			return 0, c.opError("read", net.ErrClosed)
		case c.readBy.past:
			return 0, c.opError("read", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return 0, nil
		case c.in != nil:
			return c.take(p), nil
		case c.inEnd == io.EOF:
			return 0, io.EOF
		case c.inEnd != nil:
			return 0, c.opError("read", c.inEnd)
		}
	}
}

// take reads from in, and asks for more when little is left.
func (c *conn) take(p []byte) int {
	n, _ := c.in.Read(p)
	left := c.in.Len()
	if left == 0 {
		c.in = release(c.in)
	} else {
		c.readable.Signal() // the next reader
	}
	if c.paused && !c.resuming && left < few {
		c.resuming = true
		c.post(c.resume)
	}
	return n
}

// Write hands p to the loop, and waits while that has enough. The answer is how
// much of p it took: that will be sent. Writes do not mix.
func (c *conn) Write(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sure := false
	for c.writing {
		c.wait(&c.turn, &sure) // all have the same deadline and end
	}
	c.writing = true
	defer c.pass()
	for ; ; c.wait(&c.writable, &sure) {
		switch {
		case c.closed:
			return n, c.opError("write", net.ErrClosed)
		case c.writeBy.past:
			return n, c.opError("write", os.ErrDeadlineExceeded)
		case c.outEnd != nil:
			return n, c.opError("write", c.outEnd)
		}
		if n += c.put(p[n:]); n == len(p) {
			return n, nil
		}
	}
}

// pass lets the next Write begin.
func (c *conn) pass() {
	c.writing = false
	c.turn.Signal()
}

// put copies to out what fits, and has the loop fetch it.
func (c *conn) put(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	if c.out == nil {
		c.out = room()
	}
	n := min(len(p), full-c.out.Len())
	c.out.Write(p[:n])
	if !c.flushing && !c.blocked {
		c.flushing = true
		c.post(c.flush)
	}
	return n
}

// post has f called on the loop. One that has stopped has told the end already.
func (c *conn) post(f func()) { _ = c.loop.Call(f) }

// Close ends the connection when what was written has been delivered, and does
// not wait for that.
func (c *conn) Close() error { return c.end(c.lose) }

// Abort ends the connection now, drops what was written and not sent, and so that the
// peer does not take it for a good end. It does not wait either.
func (c *conn) Abort() error { return c.end(c.abort) }

// end has the loop end the connection by f.
func (c *conn) end(f func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.in = release(c.in)
	c.readBy.set(time.Time{})
	c.writeBy.set(time.Time{})
	c.watch.stop()
	c.wake()
	c.post(f)
	return nil
}

// wake has all who wait look again. Who waits for his turn gets it when the one
// before him has ended.
func (c *conn) wake() {
	c.readable.Broadcast()
	c.writable.Broadcast()
}

// CloseWrite sends the end of the stream behind what was written. Reading goes on.
func (c *conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return c.opError("close", net.ErrClosed)
	case c.outEnd != nil:
		return c.opError("close", c.outEnd)
	}
	c.outEnd = net.ErrClosed
	c.writable.Broadcast()
	c.post(c.closeWrite)
	return nil
}

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error { return c.setDeadline(t, &c.readBy, &c.writeBy) }

// SetReadDeadline is for Reads, those that wait already too.
func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, &c.readBy) }

// SetWriteDeadline is for Writes, those that wait already too.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, &c.writeBy) }

func (c *conn) setDeadline(t time.Time, deadlines ...*deadline) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return &net.OpError{Op: "set", Net: c.remote.Network(), Addr: c.local, Err: net.ErrClosed}
	}
	for _, d := range deadlines {
		d.set(t)
	}
	return nil
}

// LocalAddr returns our address.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the peer's.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// TLSState returns what the handshake of a layer below came to.
func (c *conn) TLSState() (state tls.ConnectionState, ok bool) {
	if c.tls == nil {
		return state, false
	}
	return *c.tls, true
}

func (c *conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: c.remote.Network(), Source: c.local, Addr: c.remote, Err: err}
}
