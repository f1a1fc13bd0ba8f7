package factory

import (
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocol"
)

// A Reconnecting connects again when a connection has ended, or could not be
// made, after a delay that grows with each time:
//
//	again := &factory.Reconnecting{Clock: network}
//	c := network.Connect("tcp", "192.0.2.1:25", again.Around(f))
//
// It stands inside TLS, tlsConfig.Wrap(again.Around(f)), so that a connection counts
// from when its handshake is done, and one whose handshake failed as none.
//
// The delay is back at its beginning after a connection that lasted longer than
// Initial. It gives up when the network stops, after Stop, after the Connector's
// Stop and after MaxRetries. It belongs to the loop of its Clock.
type Reconnecting struct {
	Clock clock.Clock // of the network that connects, which is one itself

	Initial    time.Duration // the first delay; 1 s if zero
	Max        time.Duration // the longest delay; 1 min if zero
	Factor     float64       // from one delay to the next; 2 if below 1
	Jitter     float64       // the part of each delay that is left to chance, at most 1; 0.2 if zero, none if negative
	MaxRetries int           // attempts in a row after a failure; any number if zero

	// GaveUp is called, if it is not nil, when no attempt will follow, with what
	// the last one or its connection ended with. After the Connector's Stop that
	// is when the delay is over, if it was waiting; a network that stops while it
	// waits says nothing any more.
	GaveUp func(c Connector, err error)

	stopped bool
	retries map[Connector]*retry
}

// A retry is where one Connector stands.
type retry struct {
	count int
	delay time.Duration // before chance has its part
	timer clock.Timer   // nil: no attempt is waited for
}

// Around returns a factory for clients: f, which connects again. If f is a
// Watcher it goes on hearing all that a Watcher does, and need not call Connect.
func (r *Reconnecting) Around(f Factory) Factory {
	if r.Clock == nil {
		panic("factory: a Reconnecting needs the Clock of the network that connects")
	}
	w, _ := protocol.As[Watcher](f)
	again := &reconnecting{policy: r, watcher: w}
	again.around = around{f, func(p protocol.Protocol, _ net.Addr) protocol.Protocol {
		return &measured{p, again, r.Clock.Now()}
	}}
	return again
}

// Stop ends the waiting: no attempt is begun any more. One that is under way goes
// on, and so do connections.
func (r *Reconnecting) Stop() {
	r.stopped = true
	for c, s := range r.retries {
		if s.timer != nil {
			s.timer.Stop()
			r.giveUp(c, protocol.ErrConnectionAborted)
		}
	}
}

func (r *Reconnecting) of(c Connector) *retry {
	s := r.retries[c]
	if s == nil {
		if r.retries == nil {
			r.retries = make(map[Connector]*retry)
		}
		s = &retry{}
		r.retries[c] = s
	}
	return s
}

// after has c connect again, or gives up: err is what has ended.
func (r *Reconnecting) after(c Connector, err error) {
	s := r.of(c)
	over := errors.Is(err, protocol.ErrStopped) || errors.Is(err, protocol.ErrShutdown)
	if over || r.stopped || c.Stopped() || r.MaxRetries > 0 && s.count >= r.MaxRetries {
		r.giveUp(c, err)
		return
	}
	s.count++
	s.timer = r.Clock.AfterFunc(r.next(s), func() {
		s.timer = nil
		if c.Stopped() {
			r.giveUp(c, err)
		} else {
			c.Connect()
		}
	})
}

// next returns the next delay. Chance only shortens it, so that it is never
// longer than Max, and that many clients of a server that comes back do not come
// all at once.
func (r *Reconnecting) next(s *retry) time.Duration {
	longest := orElse(r.Max, time.Minute)
	factor := r.Factor
	if factor < 1 {
		factor = 2
	}
	if s.delay == 0 {
		s.delay = min(r.initial(), longest)
	} else if d := float64(s.delay) * factor; d < float64(longest) {
		s.delay = time.Duration(d)
	} else {
		s.delay = longest
	}
	jitter := max(0, min(orElse(r.Jitter, 0.2), 1))
	return s.delay - time.Duration(jitter*rand.Float64()*float64(s.delay))
}

func (r *Reconnecting) initial() time.Duration { return orElse(r.Initial, time.Second) }

func orElse[T time.Duration | float64](v, ifZero T) T {
	if v == 0 {
		return ifZero
	}
	return v
}

func (r *Reconnecting) giveUp(c Connector, err error) {
	delete(r.retries, c)
	c.Stop() // its factory is used no more
	if r.GaveUp != nil {
		r.GaveUp(c, err)
	}
}

// reconnecting is the factory of the connections.
type reconnecting struct {
	around
	policy  *Reconnecting
	watcher Watcher // the factory's own, or nil
	lasted  time.Duration
}

// Connecting comes before each attempt, also before one that somebody else began.
func (f *reconnecting) Connecting(c Connector) {
	if s := f.policy.of(c); s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if f.watcher != nil {
		f.watcher.Connecting(c)
	}
}

// ConnectFailed tries again, unless the attempt was stopped.
func (f *reconnecting) ConnectFailed(c Connector, err error) {
	defer func() {
		if errors.Is(err, protocol.ErrConnectionAborted) {
			f.policy.giveUp(c, err)
		} else {
			f.policy.after(c, err)
		}
	}()
	if f.watcher != nil {
		f.watcher.ConnectFailed(c, err)
	}
}

// Disconnected directly follows the protocol's ConnectionLost.
func (f *reconnecting) Disconnected(c Connector, reason error) {
	if f.lasted > f.policy.initial() {
		*f.policy.of(c) = retry{}
	}
	defer f.policy.after(c, reason)
	if f.watcher != nil {
		f.watcher.Disconnected(c, reason)
	}
}

// measured is a connection whose time counts.
type measured struct {
	protocol.Protocol
	factory *reconnecting
	made    time.Time
}

func (m *measured) Inner() any { return m.Protocol }

func (m *measured) ConnectionMade(t protocol.Transport) { protocol.Connect(m.Protocol, t) }

func (m *measured) ConnectionLost(reason error) {
	m.factory.lasted = m.factory.policy.Clock.Now().Sub(m.made)
	m.Protocol.ConnectionLost(reason)
}
