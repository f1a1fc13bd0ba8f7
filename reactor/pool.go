//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
)

// A Pool is reactors that serve the same addresses, to use more than one core.
// Each has a factory of its own, so what belongs to a loop still needs no locks;
// what is shared is shared on purpose (factory.Limit and factory.Throttle, package
// group).
//
//	pool, err := reactor.NewPool(0, reactor.Config{})
//	port, err := pool.Listen("tcp", "127.0.0.1:8007", func(n factory.Network) factory.Factory {
//		return factory.Each(newEcho)
//	})
//	err = pool.Run(ctx)
//
// A connection lives on one of the loops and never moves. Its loop is the one that
// had few connections when it was accepted, so the loops have about the same number.
// The methods of a Pool may be called from any goroutine.
type Pool struct {
	reactors []*Reactor
	socket   factory.Socket
	running  *atomic.Bool
}

// NewPool returns a pool of n reactors, or of one for each core (runtime.GOMAXPROCS)
// if n is not positive. Each has the settings of c, Workers included. The error is
// that of [New].
func NewPool(n int, c Config) (*Pool, error) {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	p := &Pool{socket: c.Socket, running: new(atomic.Bool)}
	draining := make(chan struct{})
	shared := loop.Config{Crew: &loop.Crew{}, Draining: func() { close(draining) }}
	for i := range n {
		r, err := newReactor(c, shared)
		if err != nil {
			for _, r := range p.reactors {
				r.kernel.close()
			}
			return nil, err
		}
		if i > 0 { // its ports close when the first has run its BeforeShutdown functions
			r.BeforeShutdown(func(done func()) {
				go func() { <-draining; done() }()
			})
		}
		p.reactors = append(p.reactors, r)
		shared.Draining = nil
	}
	return p, nil
}

// Reactors returns the reactors, always in the same order: to connect from them, to
// call them, to listen with one of them alone. They are run and stopped by the pool.
func (p *Pool) Reactors() []*Reactor { return slices.Clone(p.reactors) }

// Run runs all reactors until Stop is called or ctx ends, and all connections have
// ended. If one of them fails the others are stopped, and the error is its; see
// [Reactor.Run].
func (p *Pool) Run(ctx context.Context) error {
	if !p.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	ended := make(chan error, len(p.reactors))
	for _, r := range p.reactors {
		go func() { ended <- r.Run(ctx) }()
	}
	var all error
	for range p.reactors {
		err := <-ended
		if err == nil {
			continue
		}
		all = errors.Join(all, err)
		for _, r := range p.reactors {
			r.loop.StopOnce()
		}
	}
	return all
}

// Stop begins the shutdown of all reactors and returns at once; again, or
// DrainTimeout later, it ends it. See [Reactor.Stop].
func (p *Pool) Stop() {
	for _, r := range p.reactors {
		r.Stop()
	}
}

// BeforeShutdown adds a function that runs on the first reactor's loop when Stop
// has been called and before any port of the pool closes. See [Reactor.BeforeShutdown].
func (p *Pool) BeforeShutdown(f func(done func())) { p.reactors[0].BeforeShutdown(f) }

// Stats returns the figures of all reactors together. LongestTurn is that of the
// slowest; an address listened on by the pool counts as one port in each reactor.
// On one of the loops, see [Reactor.Stats].
func (p *Pool) Stats() Stats {
	var all Stats
	for _, r := range p.reactors {
		all.add(r.Stats())
	}
	return all
}

// Tuned returns the same pool with other settings for what it listens on.
func (p *Pool) Tuned(s factory.Socket) *Pool {
	other := *p
	other.socket = s
	return &other
}

// Listen announces on the address; see factory.Network. It calls f once for each
// reactor, on the caller's goroutine: what f returns serves the connections of that
// reactor. One factory for all of them has to be safe for that, and is started once.
// What a connection opens in turn belongs to the same reactor, so it takes the network
// that f was given.
//
// Over TCP on Linux each reactor has a listening socket (SO_REUSEPORT), set up so
// that the address still cannot be listened on twice, but by a process of the same
// user that sets SO_REUSEPORT too. Elsewhere one accepts for all.
func (p *Pool) Listen(network, addr string, f func(factory.Network) factory.Factory) (factory.Port, error) {
	if err := p.reactors[0].loop.MayOpen("listen", network, addr); err != nil {
		return nil, err
	}
	shares := p.shares(f)
	fd, bound, err := p.reactors[0].kernel.Listen(network, addr, p.socket)
	if err != nil {
		return nil, err
	}
	shares[0].FD = fd
	if _, tcp := bound.(*net.TCPAddr); tcp && len(shares) > 1 && balances {
		p.bindBeside(network, bound, shares)
	}
	return loop.ServeTogether(bound, p.socket, shares)
}

// bindBeside gives the other shares sockets at the address of the first. Those that get
// none serve what the others accept.
func (p *Pool) bindBeside(network string, bound net.Addr, shares []loop.Share) {
	s := p.socket
	s.ReusePort = true
	err := os.NewSyscallError("setsockopt SO_REUSEPORT", shareAddress(shares[0].FD))
	for i := 1; err == nil && i < len(shares); i++ {
		shares[i].FD, _, err = p.reactors[i].kernel.Listen(network, bound.String(), s)
	}
	if err != nil {
		p.reactors[0].Logger().Warn("not every loop has a listening socket", "addr", bound, "err", err)
	}
}

// Listener takes a listener over; see [Reactor.Listener]. The first reactor accepts
// for all.
func (p *Pool) Listener(l net.Listener, f func(factory.Network) factory.Factory) (factory.Port, error) {
	shares := p.shares(f)
	fd, bound, err := p.reactors[0].kernel.takeOver(l)
	if err != nil {
		return nil, err
	}
	shares[0].FD = fd
	return loop.ServeTogether(bound, p.socket, shares)
}

// shares asks f for the factories of all reactors.
func (p *Pool) shares(f func(factory.Network) factory.Factory) []loop.Share {
	shares := make([]loop.Share, len(p.reactors))
	for i, r := range p.reactors {
		shares[i] = loop.Share{Loop: r.loop, Factory: f(r), FD: -1}
	}
	return shares
}
