package loop

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// connectAgain is how long a connect waits that found a Unix socket's backlog
// full: no event tells when there is room.
const connectAgain = 20 * time.Millisecond

// A connector makes one client connection at a time. But for its names,
// everything in it belongs to the loop.
type connector struct {
	loop    *Loop
	factory factory.Factory
	watcher factory.Watcher // the factory's, or nil
	network string
	addr    string
	socket  factory.Socket
	opts    *options
	stopped atomic.Bool // Stop was called and no Connect after it

	stop    func() // takes the factory's start back; nil while it is not started
	attempt *attempt
	conn    *Conn
}

// An attempt is one try to connect, until it has a connection or has failed.
type attempt struct {
	connector *connector
	fd        int // -1 while there is none
	peer      net.Addr
	timer     *timer
	again     *timer
	cancel    context.CancelFunc // of a Dial
	over      bool
}

// Connect begins to connect to the address, with s.
func (l *Loop) Connect(network, addr string, f factory.Factory, s factory.Socket) factory.Connector {
	if f == nil {
		panic(ErrNoFactory)
	}
	c := &connector{loop: l, factory: f, network: network, addr: addr, socket: s}
	c.watcher, _ = protocol.As[factory.Watcher](f)
	c.opts = newOptions(s, nil, c)
	c.Connect()
	return c
}

// Addr returns the address as it was asked for.
func (c *connector) Addr() string { return c.addr }

// Connect begins an attempt if there is none, and no connection.
func (c *connector) Connect() {
	c.stopped.Store(false)
	_ = c.loop.Call(c.begin) // a loop that has stopped tells nobody any more
}

// Stop ends what there is.
func (c *connector) Stop() {
	c.stopped.Store(true)
	_ = c.loop.Call(func() {
		if c.stopped.Load() {
			c.end()
		}
	})
}

// Stopped reports whether Stop was called, and no Connect after it.
func (c *connector) Stopped() bool { return c.stopped.Load() }

func (c *connector) end() {
	switch {
	case c.attempt != nil:
		c.cancel(protocol.ErrConnectionAborted)
	case c.conn != nil:
		c.conn.lose()
	default:
		c.giveUp()
	}
}

// begin is the turn in which an attempt begins.
func (c *connector) begin() {
	l := c.loop
	if c.attempt != nil || c.conn != nil || c.stopped.Load() {
		return
	}
	a := &attempt{connector: c, fd: -1}
	c.attempt = a
	if l.stopping.Load() {
		a.fail(c.opError("dial", protocol.ErrStopped))
		return
	}
	if c.stop == nil {
		stop, err := l.startFactory(c.factory)
		if err != nil {
			a.fail(err)
			return
		}
		c.stop = stop
		if l.clients == nil {
			l.clients = make(map[*connector]bool)
		}
		l.clients[c] = true
	}
	if c.watcher != nil {
		l.call("Connecting", c.factory, func() { c.watcher.Connecting(c) })
	}
	if c.stopped.Load() {
		a.fail(protocol.ErrConnectionAborted)
		return
	}
	a.start()
}

// start looks the address up and connects, or has that done by a goroutine.
func (a *attempt) start() {
	c, l := a.connector, a.connector.loop
	timeout := either(c.socket.Timeout, 30*time.Second)
	if timeout > 0 {
		a.timer = l.setTimer(nil, timeout, func() { a.fail(c.opError("dial", os.ErrDeadlineExceeded)) })
	}
	peer, literal, err := l.kernel.Resolve(c.network, c.addr)
	switch {
	case err != nil:
		a.fail(err)
	case literal:
		a.peer = peer
		a.connect()
	default:
		a.dial()
	}
}

// connect connects to a literal address on the loop.
func (a *attempt) connect() {
	c, l := a.connector, a.connector.loop
	fd, op, e := l.kernel.Connect(c.network, a.peer, c.socket)
	switch e {
	case 0, syscall.EINPROGRESS:
		a.fd = fd
		if err := l.kernel.Want(fd, None, Quiet); err != nil {
			a.fail(c.opError("dial", err))
			return
		}
		l.setSource(fd, a)
		if e == 0 {
			a.connected()
		}
	case syscall.EAGAIN:
		a.again = l.setTimer(nil, connectAgain, a.connect)
	default:
		a.fail(c.opError("dial", os.NewSyscallError(op, e)))
	}
}

// dial connects to a name on a goroutine.
func (a *attempt) dial() {
	c, l := a.connector, a.connector.loop
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	l.dialling.Go(func() {
		fd, err := l.kernel.Dial(ctx, c.network, c.addr, c.socket)
		_ = l.Call(func() { a.dialled(fd, err) }) // the loop waits for us before it refuses calls
	})
}

func (a *attempt) dialled(fd int, err error) {
	l := a.connector.loop
	switch {
	case a.over && err == nil:
		l.kernel.Close(fd, true)
	case a.over:
	case err != nil:
		a.fail(err)
	default:
		var ok bool
		if a.peer, ok = l.kernel.Peer(fd); !ok { // it has been reset meanwhile
			l.kernel.Close(fd, true)
			a.fail(a.connector.opError("dial", os.NewSyscallError("getpeername", syscall.ENOTCONN)))
			return
		}
		a.success(fd, None)
	}
}

// ready asks whether the connection is there. While there is no error and no
// peer, the event was not meant for us.
func (a *attempt) ready(Event) {
	l := a.connector.loop
	l.begin(nil)
	if _, ok := l.kernel.Peer(a.fd); ok {
		a.connected()
	} else if e := l.kernel.Err(a.fd); e != 0 {
		a.fail(a.connector.opError("dial", os.NewSyscallError("connect", e)))
	}
	l.end()
}

func (a *attempt) connected() {
	fd := a.fd
	a.fd = -1
	a.connector.loop.sources[fd] = nil
	a.success(fd, Quiet)
}

// success hands the socket over to a connection.
func (a *attempt) success(fd int, old Interest) {
	c, l := a.connector, a.connector.loop
	a.finish()
	if err := l.attachWithin(fd, old, a.peer, c.factory, c.opts, nil); err != nil {
		c.failed(err)
	}
}

// fail ends the attempt.
func (a *attempt) fail(err error) {
	if !a.over {
		a.finish()
		a.connector.failed(err)
	}
}

// finish gives back what the attempt holds.
func (a *attempt) finish() {
	a.over = true
	a.connector.attempt = nil
	l := a.connector.loop
	for _, t := range []*timer{a.timer, a.again} {
		if t != nil {
			t.Stop()
		}
	}
	if a.cancel != nil {
		a.cancel()
	}
	if a.fd >= 0 {
		l.release(a.fd, true)
	}
}

// cancel ends an attempt for a reason of our own.
func (c *connector) cancel(err error) {
	if c.attempt != nil {
		c.attempt.fail(c.opError("dial", err))
	}
}

func (c *connector) opError(op string, err error) error {
	var to net.Addr = text(c.addr)
	if c.attempt != nil && c.attempt.peer != nil {
		to = c.attempt.peer
	}
	return &net.OpError{Op: op, Net: c.network, Addr: to, Err: err}
}

// failed tells that there is no connection.
func (c *connector) failed(err error) {
	c.loop.stats.ConnectFails++
	if c.watcher != nil {
		c.loop.call("ConnectFailed", c.factory, func() { c.watcher.ConnectFailed(c, err) })
	}
	c.rest()
}

// disconnected tells that the connection has ended.
func (c *connector) disconnected(reason error) {
	c.conn = nil
	if c.watcher != nil {
		c.loop.call("Disconnected", c.factory, func() { c.watcher.Disconnected(c, reason) })
	}
	c.rest()
}

// rest is where a connector has given up whose factory does not watch it, or
// that was stopped. Others may still call Connect.
func (c *connector) rest() {
	if c.watcher == nil || c.stopped.Load() {
		c.giveUp()
	}
}

func (c *connector) giveUp() {
	if c.stop != nil && c.attempt == nil && c.conn == nil {
		stop := c.stop
		c.stop = nil
		delete(c.loop.clients, c)
		stop()
	}
}

// giveUpAll ends the connectors that were waiting to be told to connect again.
func (l *Loop) giveUpAll() {
	l.begin(nil)
	for c := range l.clients {
		c.giveUp()
	}
	l.end()
}
