package loop

import (
	"net"

	"github.com/torsion-go/torsion/factory"
)

// A team is the ports by which several loops have one address, one for each: those
// that listen, or those of datagrams.
//
// Of those that listen some may have no socket. Whoever accepts a connection keeps it,
// unless another loop has clearly fewer: then it is handed over, once, before it
// has a protocol. So the loops stay even whatever the kernel makes of several
// listeners, and where there is only one.
type team[P member] []P

// A member is a port of one loop's.
type member interface {
	factory.Port
	begin() error
}

// A Share is one loop's part in a team that listens.
type Share struct {
	Loop    *Loop
	Factory factory.Factory
	FD      int // its listening socket; -1 if it has none
}

// ServeTogether is Serve by several loops.
func ServeTogether(bound net.Addr, s factory.Socket, shares []Share) (factory.Port, error) {
	var t team[*port]
	for i, m := range shares {
		p, err := m.Loop.newPort(m.FD, bound, m.Factory, s)
		if err != nil {
			for _, left := range shares[i+1:] {
				left.Loop.closeListener(left.FD)
			}
			_ = t.Close()
			return nil, err
		}
		t = append(t, p)
	}
	for _, p := range t {
		p.team = t
	}
	if err := t.begin(); err != nil {
		return nil, err
	}
	return t, nil
}

// begin has the loops register the ports. If it fails all are closed.
func (t team[P]) begin() error {
	for _, p := range t {
		if err := p.begin(); err != nil {
			_ = t.Close()
			return err
		}
	}
	return nil
}

// Addr returns the bound address.
func (t team[P]) Addr() net.Addr { return t[0].Addr() }

// Close closes all of its ports.
func (t team[P]) Close() error {
	for _, p := range t {
		_ = p.Close() // it has no error
	}
	return nil
}

// place serves an accepted connection, or has another loop do so.
func (p *port) place(fd int, peer net.Addr) {
	if q := p.lightest(); q == p || !q.hand(fd, peer) {
		p.loop.accepted(fd, peer, p)
	}
}

// lightest is the open port whose loop has the fewest connections. A difference of an
// eighth is none, nor is one of a single connection: they come and go, and handing over
// costs a call, and waking the other loop.
func (p *port) lightest() *port {
	if len(p.team) < 2 {
		return p
	}
	best, fewest := p, p.loop.conns.Load()
	fewest -= max(1, fewest/8)
	for _, q := range p.team {
		if n := q.loop.conns.Load(); n < fewest && !q.loop.stopping.Load() && !q.isClosed() {
			best, fewest = q, n
		}
	}
	return best
}

// hand has p receive a connection, unless it is closed or its loop stops. Then it will be
// served though the port closes, and before the loop drains: its peer is connected.
func (p *port) hand(fd int, peer net.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !p.loop.hand(func() { p.receive(fd, peer) }) {
		return false
	}
	p.coming++
	return true
}

// hand posts a call that takes a connection, which counts from here on, unless the loop
// stops.
func (l *Loop) hand(take func()) bool {
	l.calls.mu.Lock()
	defer l.calls.mu.Unlock()
	if l.stopping.Load() {
		return false
	}
	l.conns.Add(1)
	l.calls.coming++
	l.calls.waiting = append(l.calls.waiting, take)
	l.ringLocked()
	return true
}

// expects reports whether such calls are still to run. Where it is false on a loop that
// stops it stays so.
func (l *Loop) expects() bool {
	l.calls.mu.Lock()
	defer l.calls.mu.Unlock()
	return l.calls.coming > 0
}

// receive takes a connection that another loop has accepted. It was counted.
func (p *port) receive(fd int, peer net.Addr) {
	l := p.loop
	l.conns.Add(-1)
	defer p.came()
	if err := l.attachWithin(fd, None, peer, p.factory, p.opts, nil); err != nil {
		p.refused(peer, err)
	}
	l.checkIdle()
}

// came says that p has received one.
func (p *port) came() {
	p.loop.calls.mu.Lock()
	p.loop.calls.coming--
	p.loop.calls.mu.Unlock()
	p.mu.Lock()
	p.coming--
	p.mu.Unlock()
	p.stopIfDone()
}

// stopIfDone stops the factory of a closed port once it has no connections to build
// protocols for any more.
func (p *port) stopIfDone() {
	p.mu.Lock()
	done := p.closed && p.coming == 0
	p.mu.Unlock()
	if done {
		p.stop()
	}
}
