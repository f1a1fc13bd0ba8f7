package loop

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

const (
	acceptBatch = 64          // connections taken per event
	lastBatch   = 4096        // and at the end: no system has more waiting by default
	acceptRest  = time.Second // for a port that cannot accept
)

// A port is a listening socket. Between Listen and its registration, and after
// its end, it is not on the loop.
type port struct {
	loop    *Loop
	team    team[*port] // of ports that serve the same address, p included; nil if there are no others
	factory factory.Factory
	stop    func() // takes the factory's start back
	opts    *options
	addr    net.Addr
	fd      int // -1: it serves what others of its team accept
	index   int // among the loop's ports
	want    Interest
	logged  int64 // Nanos of the last failure that was logged, 0 if none

	presence
	gone   chan struct{} // closed when the socket is
	coming int           // connections that others of the team have accepted for it; under presence's mutex
}

// Listen announces on the address, with s. It may be called from anywhere.
func (l *Loop) Listen(network, addr string, f factory.Factory, s factory.Socket) (factory.Port, error) {
	if err := l.MayOpen("listen", network, addr); err != nil {
		return nil, err
	}
	fd, bound, err := l.kernel.Listen(network, addr, s)
	if err != nil {
		return nil, err
	}
	return l.Serve(fd, bound, f, s)
}

// MayOpen is the error of opening anything on a loop that stops; op is net.OpError's.
func (l *Loop) MayOpen(op, network, addr string) error {
	if l.stopping.Load() {
		return &net.OpError{Op: op, Net: network, Addr: text(addr), Err: protocol.ErrStopped}
	}
	return nil
}

// Serve accepts from a listening socket, which it closes in the end, also when
// it fails.
func (l *Loop) Serve(fd int, bound net.Addr, f factory.Factory, s factory.Socket) (factory.Port, error) {
	p, err := l.newPort(fd, bound, f, s)
	if err == nil {
		err = p.begin()
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// newPort starts the factory. The port waits for begin.
func (l *Loop) newPort(fd int, bound net.Addr, f factory.Factory, s factory.Socket) (*port, error) {
	stop, err := l.startFactory(f)
	if err != nil {
		l.closeListener(fd)
		return nil, err
	}
	return &port{loop: l, factory: f, stop: stop, opts: newOptions(s, bound, nil), addr: bound, fd: fd, gone: make(chan struct{})}, nil
}

// begin has the loop register the port.
func (p *port) begin() error {
	if err := p.loop.Call(p.open); err != nil {
		p.closeEarly()
		return &net.OpError{Op: "listen", Net: p.addr.Network(), Addr: p.addr, Err: err}
	}
	return nil
}

// closeListener closes a socket that never was in the poller.
func (l *Loop) closeListener(fd int) {
	if fd >= 0 {
		l.kernel.Close(fd, false)
	}
}

// text is an address that could not be resolved yet.
type text string

func (t text) Network() string { return "" }
func (t text) String() string  { return string(t) }

// open registers the port; it may have been closed before.
func (p *port) open() {
	l := p.loop
	if l.draining {
		p.closeEarly()
		return
	}
	if !p.arrive() {
		return
	}
	p.index = len(l.ports)
	l.ports = append(l.ports, p)
	if p.fd >= 0 {
		l.setSource(p.fd, p)
		p.listen(Read)
	}
}

func (p *port) listen(want Interest) {
	old := p.want
	if old == want {
		return
	}
	p.want = want
	if err := p.loop.kernel.Want(p.fd, old, want); err != nil {
		p.loop.Logger().Error("cannot poll a listener", "addr", p.addr, "err", err)
	}
}

// Addr returns the bound address.
func (p *port) Addr() net.Addr { return p.addr }

// Close stops listening. It waits until the loop has done so, unless it is called on a
// loop of the same pool.
func (p *port) Close() error {
	l := p.loop
	switch {
	case p.closeEarly():
	case p.isClosed(): // by somebody who may not have come to the socket yet
		<-p.gone
	case l.OnLoop() || !l.Started(): // one that is only stepped is the caller's
		p.close()
	default:
		done := make(chan struct{})
		if l.Call(func() { p.close(); close(done) }) == nil && l.MayWait() {
			<-done
		}
	}
	return nil
}

// CloseOnLoop is Close for who knows that he is on the loop: only a trace of the whole
// stack tells that, which costs more than the close.
func (p *port) CloseOnLoop() {
	p.loop.check()
	if !p.closeEarly() {
		p.close()
	}
}

// closeEarly closes a port that has not got to the loop yet, and that is all.
func (p *port) closeEarly() bool {
	early := p.leaveEarly()
	if early {
		p.loop.closeListener(p.fd)
		close(p.gone) // before the user's code is called, so that anybody may wait for it
		p.stopIfDone()
	}
	return early
}

// close closes the port on the loop.
func (p *port) close() {
	if !p.leave() {
		return
	}
	l := p.loop
	l.forgetPort(p)
	if p.fd >= 0 {
		l.release(p.fd, false)
	}
	close(p.gone)
	p.stopIfDone()
}

// forgetPort has the last port take p's place.
func (l *Loop) forgetPort(p *port) {
	n := len(l.ports) - 1
	last := l.ports[n]
	l.ports[p.index], last.index = last, p.index
	l.ports[n] = nil
	l.ports = l.ports[:n]
}

// ready accepts those who wait.
func (p *port) ready(Event) {
	if p.take(acceptBatch) {
		p.loop.kernel.Again(p.fd)
	}
}

// take accepts n at the most, each in a turn of its own, and reports whether there may
// be more.
func (p *port) take(n int) (more bool) {
	l := p.loop
	if p.want != Read || p.isClosed() {
		return false // it rests, or has no socket any more
	}
	for range n {
		fd, peer, e := l.kernel.Accept(p.fd)
		switch e {
		case 0:
			p.place(fd, peer)
		case syscall.EAGAIN:
			return false
		case syscall.ECONNABORTED, syscall.EPERM, syscall.EPROTO: // that one is gone, or not allowed
			l.stats.AcceptErrors++
			p.log(os.NewSyscallError("accept", e))
		default:
			l.stats.AcceptErrors++
			p.rest(e)
			return false
		}
		if p.want != Read || p.isClosed() {
			return false
		}
	}
	return true
}

// accepted makes a connection of an accepted socket. Who is refused is told by
// the close alone.
func (l *Loop) accepted(fd int, peer net.Addr, p *port) {
	if err := l.attach(fd, None, peer, p.factory, p.opts, nil); err != nil {
		p.refused(peer, err)
	}
}

func (p *port) refused(peer net.Addr, err error) {
	if errors.Is(err, errNotPolled) {
		p.loop.stats.AcceptErrors++
		p.log(err)
		return
	}
	p.loop.Logger().Debug("connection not accepted", "addr", p.addr, "peer", peer, "err", err)
}

// rest is for a port that cannot accept now: those who wait are turned away by
// means of a reserve descriptor, if that is what is missing, and the port leaves
// the poller for a while, or the loop would spin.
func (p *port) rest(e syscall.Errno) {
	l := p.loop
	if e == syscall.EMFILE || e == syscall.ENFILE {
		l.stats.Shed += int64(l.kernel.Shed(p.fd))
	}
	p.log(os.NewSyscallError("accept", e))
	p.listen(Quiet)
	l.setTimer(nil, acceptRest, func() {
		if !p.isClosed() {
			p.listen(Read)
		}
	})
}

// log says at most once a second that accept fails.
func (p *port) log(err error) {
	l := p.loop
	if now := l.kernel.Nanos(); p.logged == 0 || now-p.logged > int64(time.Second) {
		p.logged = now
		l.Logger().Error("accept failed", "addr", p.addr, "err", err)
	}
}
