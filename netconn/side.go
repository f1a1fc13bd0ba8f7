package netconn

import (
	"bytes"
	"fmt"
	"io"
	"net"

	"github.com/torsion-go/torsion/protocol"
)

// A side is a conn as the loop sees it: the protocol of its connection.
type side struct {
	conn *conn
	made func(*conn) // gets the conn
}

var (
	_ protocol.EOFReceiver = (*side)(nil)
	_ protocol.WritePauser = (*side)(nil)
	_ protocol.Shutdowner  = (*side)(nil)
)

// newSide returns the protocol of a connection which made gets when it is there.
func newSide(made func(*conn)) protocol.Protocol { return &side{newConn(), made} }

// ConnectionMade hands the conn out.
func (s *side) ConnectionMade(t protocol.Transport) {
	c := s.conn
	c.t, c.loop = t, t.Loop()
	c.local, c.remote = known(t.LocalAddr()), known(t.RemoteAddr())
	if p, ok := protocol.As[protocol.TLSStater](t); ok {
		if state, ok := p.TLSState(); ok {
			c.tls = &state
		}
	}
	s.made(c)
}

// known spares goroutines a nil, which is a Unix socket that has no name.
func known(a net.Addr) net.Addr {
	if a == nil {
		return &net.UnixAddr{Net: "unix"}
	}
	return a
}

// DataReceived copies data for Read. When that leaves much of it the peer waits.
func (s *side) DataReceived(data []byte) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.in == nil {
		c.in = room()
	}
	c.in.Write(data)
	c.readable.Signal()
	if !c.paused && c.in.Len() >= full {
		c.paused = true
		c.t.PauseReading()
	}
}

// EOFReceived lets Read answer io.EOF. Writing goes on.
func (s *side) EOFReceived() (keep bool) {
	s.conn.ended(io.EOF, nil)
	return true
}

// PauseWriting leaves what is written in out.
func (s *side) PauseWriting() {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked = true
}

// ResumeWriting fetches it.
func (s *side) ResumeWriting() { s.conn.flushAll() }

// Shutdown delivers what was written. Who reads or writes is told why that is all.
func (s *side) Shutdown() {
	s.conn.ended(protocol.ErrShutdown, protocol.ErrShutdown)
	s.conn.lose()
}

// ConnectionLost wakes all who wait. What has been received can still be read.
func (s *side) ConnectionLost(reason error) {
	if reason == protocol.ErrConnectionDone { // neither Close nor the peer: somebody on the loop
		reason = net.ErrClosed
	}
	s.conn.ended(reason, reason)
}

// What follows is a conn's, but for the loop only.

// ended notes what comes behind the input, and why there can be no more output.
// Of several reasons the first holds.
func (c *conn) ended(in, out error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inEnd == nil {
		c.inEnd = in
	}
	if c.outEnd == nil || c.outEnd == errRefused && out != nil {
		c.outEnd = out
	}
	c.wake()
}

// errRefused is the net.ErrClosed of writing while somebody on the loop closes. Why
// comes with the end.
var errRefused = fmt.Errorf("%w", net.ErrClosed)

// flush hands out to t, unless that has enough.
func (c *conn) flush() {
	b := c.fetch()
	if b == nil {
		return
	}
	if _, err := c.t.Write(b.Bytes()); err != nil {
		c.ended(nil, errRefused)
	}
	release(b)
}

// fetch takes what is in out, and so makes room.
func (c *conn) fetch() (b *bytes.Buffer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushing = false
	if c.blocked {
		return nil
	}
	b, c.out = c.out, nil
	c.writable.Signal()
	return b
}

// flushAll hands out to t, blocked or not.
func (c *conn) flushAll() {
	c.mu.Lock()
	c.blocked = false
	c.mu.Unlock()
	c.flush()
}

// resume lets the peer go on.
func (c *conn) resume() {
	c.mu.Lock()
	c.paused, c.resuming = false, false
	c.mu.Unlock()
	c.t.ResumeReading()
}

func (c *conn) closeWrite() {
	c.flushAll()
	c.t.CloseWrite()
}

func (c *conn) lose() {
	c.flushAll()
	c.t.LoseConnection()
}

func (c *conn) abort() { c.t.Abort() }
