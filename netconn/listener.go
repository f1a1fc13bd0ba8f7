package netconn

import (
	"cmp"
	"net"
	"sync"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A Listener is a net.Listener whose connections are a reactor's: it is their
// factory, and Accept hands them out. [Listen] makes one that has a port; one with
// settings of its own, or for a port of another kind, is made in two steps:
//
//	l := &netconn.Listener{Backlog: 100}
//	l.Port, err = r.Tuned(socket).Listen("tcp", addr, limit.Around(l))
//
// Port is set before anything else is done with it. One Listener may serve several
// ports and loops, of which Close then closes Port alone; with the last of them it
// is closed itself. Its methods may be called from any goroutine, but those of a
// factory, which belong to the loop.
type Listener struct {
	Port    factory.Port // what Addr asks and Close closes
	Backlog int          // connections that may wait for Accept; 1,024 if zero

	mu      sync.Mutex
	come    sync.Cond // somebody waits, or nobody will any more; it has no L before wait
	waiting []*conn
	refused int
	ports   int // that use it now
	closed  bool
	loop    protocol.Loop // of one of them, once known
}

var (
	_ net.Listener    = (*Listener)(nil)
	_ factory.Factory = (*Listener)(nil)
	_ factory.Starter = (*Listener)(nil)
)

// Listen announces on an address of n, as net.Listen does, and returns what
// accepts there. The wraps stand around it, the first outermost; what has an
// Around or Wrap method, as the policies of package factory do, fits:
//
//	l, err := netconn.Listen(r, "tcp", ":80", limit.Around, idle.Around)
//
// A peer that takes nothing is not dropped, as a writer has deadlines for that.
func Listen(n factory.Network, network, addr string, wraps ...func(factory.Factory) factory.Factory) (*Listener, error) {
	l := &Listener{loop: n}
	port, err := n.Tuned(patient(factory.Socket{})).Listen(network, addr, wrap(l, wraps))
	if err != nil {
		return nil, err
	}
	l.Port = port
	return l, nil
}

// wrap puts the wraps around f.
func wrap(f factory.Factory, wraps []func(factory.Factory) factory.Factory) factory.Factory {
	for i := len(wraps) - 1; i >= 0; i-- {
		f = wraps[i](f)
	}
	return f
}

// patient is s without the limits that are the business of who writes: he has
// deadlines, and has to wait while much is queued.
func patient(s factory.Socket) factory.Socket {
	if s.SlowPeerTimeout == 0 {
		s.SlowPeerTimeout = -1
	}
	if s.MaxBacklog == 0 {
		s.MaxBacklog = -1
	}
	return s
}

// Accept waits for the next connection. The error is net.ErrClosed, in a
// *net.OpError, when the Listener or its port has been closed.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.come.L = &l.mu
	for sure := false; !l.closed && len(l.waiting) == 0; sure = true {
		l.wait(sure)
	}
	if l.closed {
		return nil, l.opError("accept", net.ErrClosed)
	}
	c := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	return c, nil
}

// wait waits for a connection, but makes sure before that it is not on the loop.
func (l *Listener) wait(sure bool) {
	if sure {
		l.come.Wait()
		return
	}
	loop := l.loop
	l.mu.Unlock()
	defer l.mu.Lock()
	mayBlock(loop)
}

// Close closes the port, and aborts the connections that nobody has accepted.
// Others stay.
func (l *Listener) Close() error {
	if !l.close() {
		return l.opError("close", net.ErrClosed)
	}
	if l.Port == nil {
		return nil
	}
	return l.Port.Close()
}

// close reports whether l was open.
func (l *Listener) close() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.closed = true
	for _, c := range l.waiting {
		_ = c.end(c.abort) // nobody else could have closed it
	}
	l.waiting = nil
	l.come.Broadcast()
	return true
}

// Addr returns the address of the port.
func (l *Listener) Addr() net.Addr {
	if l.Port == nil {
		return address{}
	}
	return l.Port.Addr()
}

// Refused returns how many connections were closed at once because Backlog others
// were waiting for Accept.
func (l *Listener) Refused() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// BuildProtocol is for the loop. What it builds waits for Accept.
func (l *Listener) BuildProtocol(net.Addr) protocol.Protocol {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil
	case len(l.waiting) >= cmp.Or(l.Backlog, 1024):
		l.refused++
		return nil
	}
	return newSide(l.made)
}

// made has a connection wait for Accept.
func (l *Listener) made(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loop = c.loop
	if l.closed {
		_ = c.end(c.abort)
		return
	}
	l.waiting = append(l.waiting, c)
	l.come.Signal()
}

// StartFactory is for the port.
func (l *Listener) StartFactory() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.ports++
	return nil
}

// StopFactory is for the port. When the last is closed, so is the Listener.
func (l *Listener) StopFactory() {
	l.mu.Lock()
	l.ports--
	last := l.ports == 0
	l.mu.Unlock()
	if last {
		l.close()
	}
}

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: l.Addr().Network(), Addr: l.Addr(), Err: err}
}
