package loop

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	runtimedebug "runtime/debug"
	"slices"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/socket"
	"github.com/torsion-go/torsion/protocol"
)

// datagrams are what the datagram ports of a loop have in common.
type datagrams struct {
	open    []*datagramPort
	touched []*datagramPort // to be settled, when no batch is being received
	head    int             // those before it have been
	batch   bool            // one is: each of its datagrams is a turn of its own
	telling bool            // ErrorReceived is called
	written int             // bytes queued since touched was settled
	in      inbox
	vec     []socket.Datagram // for sending
	spare   outbox            // of the port that sent last
}

// A datagramPort is a datagram socket, and the transport of its protocol.
type datagramPort struct {
	loop   *Loop
	proto  protocol.DatagramProtocol
	errs   protocol.ErrorReceiver        // proto's, if it is one
	unix   protocol.UnixDatagramReceiver // the same; nil if the port is none of Unix
	paces  protocol.WritePauser          // the same
	socket DatagramSocket
	remote netip.AddrPort // the peer of a connected UDP port
	alias  netip.AddrPort // the same with its zone written otherwise, as the user last did
	max    int            // bytes of a datagram that is received
	opts   *options
	want   Interest
	noRead uint8 // as of a Conn, and holding
	listed bool  // on touched
	output
	held   []heldDatagram // received, and not delivered because reading paused
	timers *portTimer     // those that are ahead
	reason error          // why it ends
	late   *timer         // the end of CloseTimeout

	presence
	gone chan struct{} // closed when the socket is
}

// holding is a reason not to read: what was received before comes first.
const holding = eof

var (
	errNoDatagramProtocol = errors.New("reactor: a nil DatagramProtocol receives nothing")
	errMaxDatagram        = errors.New("reactor: MaxDatagram is out of range")
)

// mostDatagram is the longest MaxDatagram: no system has one as long by default, and
// each loop has room for 32.
const mostDatagram = 16 << 20

// OpenDatagram opens a datagram port, bound to the address or else connected to
// it, with s. It may be called from anywhere.
func (l *Loop) OpenDatagram(network, addr string, connect bool, p protocol.DatagramProtocol, s factory.Socket) (factory.Port, error) {
	op := "listen"
	if connect {
		op = "dial"
	}
	if err := l.MayOpen(op, network, addr); err != nil {
		return nil, err
	}
	sock, err := l.kernel.OpenDatagram(network, addr, connect, s)
	if err != nil {
		return nil, err
	}
	d, err := newDatagramPort(l, p, sock, s)
	if err == nil {
		err = d.begin()
	}
	if err != nil {
		return nil, &net.OpError{Op: op, Net: network, Addr: text(addr), Err: err}
	}
	return d.transport().(factory.Port), nil
}

// newDatagramPort closes the socket if there is no port that can have it. The port waits
// for begin.
func newDatagramPort(l *Loop, p protocol.DatagramProtocol, sock DatagramSocket, s factory.Socket) (*datagramPort, error) {
	var err error
	switch {
	case p == nil:
		err = errNoDatagramProtocol
	case s.MaxDatagram < 0, s.MaxDatagram > mostDatagram:
		err = errMaxDatagram
	}
	if err != nil {
		l.kernel.Close(sock.FD, false)
		return nil, err
	}
	d := &datagramPort{loop: l, proto: p, socket: sock, opts: newOptions(s, sock.Local, nil), gone: make(chan struct{})}
	d.max = either(s.MaxDatagram, 1<<16-1)
	d.errs, _ = protocol.As[protocol.ErrorReceiver](p)
	d.paces, _ = protocol.As[protocol.WritePauser](p)
	if sock.Family == socket.Unix {
		d.unix, _ = protocol.As[protocol.UnixDatagramReceiver](p)
	}
	if u, ok := sock.Remote.(*net.UDPAddr); ok {
		a := u.AddrPort()
		d.remote = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return d, nil
}

// begin has the loop register the port.
func (d *datagramPort) begin() error {
	err := d.loop.Call(d.open)
	if err != nil {
		d.closeEarly()
	}
	return err
}

// transport is d with the abilities of its family.
func (d *datagramPort) transport() protocol.DatagramTransport {
	if d.socket.Family == socket.Unix {
		return unixPort{d}
	}
	return udpPort{d}
}

// open registers the port and starts its protocol; it may have been closed before.
func (d *datagramPort) open() {
	l := d.loop
	if l.draining {
		d.closeEarly()
		return
	}
	if !d.arrive() {
		return
	}
	l.setSource(d.socket.FD, d)
	l.datagrams.open = append(l.datagrams.open, d)
	d.touch()
	d.arrange()
	d.must("StartProtocol", func() { protocol.StartDatagrams(d.proto, d.transport()) })
}

// must calls a callback of a protocol that is of no use if it panics: the port ends.
func (d *datagramPort) must(what string, f func()) {
	l := d.loop
	prev := l.enter(nil, what, d.proto)
	defer l.leave(nil, prev)
	defer func() {
		if v := recover(); v != nil {
			d.end(&protocol.PanicError{Value: v, Stack: runtimedebug.Stack()})
			l.panicked(nil, v, "addr", d.socket.Local)
		}
	}()
	f()
}

// call calls a callback that is not the hot one. It is logged if it panics.
func (d *datagramPort) call(what string, f func()) { d.loop.call(what, d.proto, f) }

// Addr returns the bound address.
func (d *datagramPort) Addr() net.Addr { return d.socket.Local }

// Close closes the port. What was written leaves if the kernel takes it at once.
// It waits until the loop has done so, unless it is called on a loop of the same pool.
func (d *datagramPort) Close() error {
	l := d.loop
	if d.closeEarly() {
		return nil
	}
	switch on := l.OnLoop(); {
	case d.isClosed():
		if l.MayWait() && l.Started() {
			<-d.gone
		}
	case on && l.turning:
		d.end(protocol.ErrConnectionDone)
	case on, !l.Started(): // one that is only stepped is the caller's
		before := l.HandTo(0)
		l.begin(nil)
		d.end(protocol.ErrConnectionDone)
		l.end()
		l.HandTo(before)
	case l.Call(func() { d.end(protocol.ErrConnectionDone) }) == nil && l.MayWait():
		<-d.gone
	}
	return nil
}

// closeEarly closes a port that has not got to the loop yet, and that is all.
func (d *datagramPort) closeEarly() bool {
	early := d.leaveEarly()
	if early {
		d.loop.kernel.Close(d.socket.FD, false)
		close(d.gone)
	}
	return early
}

// LoseConnection closes the port when what was written has been sent.
func (d *datagramPort) LoseConnection() {
	d.loop.check()
	if d.noRead&(closing|ended) != 0 {
		return
	}
	d.noRead |= closing
	d.held = nil
	if wait := d.opts.closing; wait > 0 {
		d.late = d.loop.setTimer(nil, wait, func() { d.end(protocol.ErrCloseTimeout) })
	}
	d.touch()
}

// end ends the port in settle, for the first reason given.
func (d *datagramPort) end(reason error) {
	if d.noRead&ended == 0 {
		d.noRead |= ended
		d.reason = reason
		d.touch()
	}
}

// goodbye lets the protocol end by itself, or ends the port.
func (d *datagramPort) goodbye() {
	if s, ok := protocol.As[protocol.Shutdowner](d.proto); ok && d.noRead&(closing|ended) == 0 {
		d.must("Shutdown", s.Shutdown)
	} else {
		d.LoseConnection()
	}
}

// touch has the port settled when the turn or the batch ends. What somebody does who
// hears of an error waits for a later turn, or one that always writes again would
// hold up everybody.
func (d *datagramPort) touch() {
	if d.listed {
		return
	}
	d.listed = true
	if !d.loop.datagrams.telling || d.loop.Call(d.list) != nil {
		d.list()
	}
}

func (d *datagramPort) list() { d.loop.datagrams.touched = append(d.loop.datagrams.touched, d) }

// settleDatagrams settles one of those who were touched. There is none while a
// batch is received: what its datagrams have others write leaves together.
func (l *Loop) settleDatagrams() bool {
	g := &l.datagrams
	if len(g.touched) == 0 || g.batch {
		return false
	}
	d := g.touched[g.head]
	g.touched[g.head] = nil
	if g.head++; g.head == len(g.touched) {
		g.touched, g.head, g.written = g.touched[:0], 0, 0
	}
	d.listed = false
	d.settle()
	return true
}

// settle sends, and does what was asked of the port.
func (d *datagramPort) settle() {
	if d.noRead&ended == 0 || d.reason == protocol.ErrConnectionDone {
		d.send()
	}
	d.pace()
	switch {
	case d.noRead&ended != 0:
	case d.noRead&closing != 0 && d.waiting() == 0:
		d.end(protocol.ErrConnectionDone)
	default:
		d.arrange()
		return
	}
	d.stop()
}

// stop is the only place that closes the socket and says goodbye.
func (d *datagramPort) stop() {
	if !d.leave() {
		return
	}
	defer close(d.gone)
	l := d.loop
	d.held = nil
	d.out = outbox{}
	d.stopTimers()
	g := &l.datagrams
	g.open = slices.DeleteFunc(g.open, func(o *datagramPort) bool { return o == d })
	l.release(d.socket.FD, false)
	reason := d.reason
	if l.stopping.Load() {
		reason = fmt.Errorf("%w: %w", protocol.ErrShutdown, reason)
	}
	l.checkIdle()
	d.call("StopProtocol", func() { d.proto.StopProtocol(reason) })
}

// arrange brings the poller in line with what the port wants to hear. A pause
// alone changes nothing until something comes.
func (d *datagramPort) arrange() {
	want := d.want
	switch waits := d.blocked && d.again == nil; {
	case d.noRead == 0 && waits:
		want = ReadWrite
	case d.noRead == 0:
		want = Read
	case waits:
		want = Quiet
	}
	d.setWant(want)
}

func (d *datagramPort) setWant(want Interest) {
	old := d.want
	if want == old {
		return
	}
	d.want = want
	if err := d.loop.kernel.Want(d.socket.FD, old, want); err != nil {
		d.end(err)
	}
}

// Now returns the current time.
func (d *datagramPort) Now() time.Time { return d.loop.kernel.Now() }

// Loop returns the loop.
func (d *datagramPort) Loop() protocol.Loop { return d.loop }

// LocalAddr returns the bound address.
func (d *datagramPort) LocalAddr() net.Addr { return d.socket.Local }

// RemoteAddr returns the peer's address, if there is one.
func (d *datagramPort) RemoteAddr() net.Addr { return d.socket.Remote }

var (
	_ clock.Clock                    = (*datagramPort)(nil)
	_ protocol.DatagramTransport     = unixPort{}
	_ protocol.UnixDatagramTransport = unixPort{}
	_ protocol.DatagramTransport     = udpPort{}
	_ protocol.MulticastTransport    = udpPort{}
	_ factory.Port                   = udpPort{}
	_ factory.Port                   = unixPort{}
)
