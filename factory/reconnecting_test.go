package factory_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A dialer is a Connector that notes when it was told to connect.
type dialer struct {
	clock   *clock.Fake
	at      []time.Duration // since the attempt before
	last    time.Time
	stopped bool
}

func (d *dialer) Addr() string { return "192.0.2.1:7" }
func (d *dialer) Stop()        { d.stopped = true }

func (d *dialer) Stopped() bool { return d.stopped }

func (d *dialer) Connect() {
	d.at = append(d.at, d.clock.Now().Sub(d.last))
	d.last = d.clock.Now()
}

// attempts is a client as a network plays it.
type attempts struct {
	*dialer
	factory factory.Factory
	watcher factory.Watcher
}

func trying(r *factory.Reconnecting, f factory.Factory) *attempts {
	var c clock.Fake
	r.Clock = &c
	a := &attempts{dialer: &dialer{clock: &c}, factory: r.Around(f)}
	a.watcher = a.factory.(factory.Watcher)
	a.watcher.Connecting(a)
	return a
}

var errFailed = errors.New("failed")

// fails lets n attempts fail, each as soon as it has begun.
func (a *attempts) fails(n int) []time.Duration {
	a.at = nil
	for range n {
		a.watcher.ConnectFailed(a, errFailed)
		a.clock.Advance(time.Hour * 24)
		a.watcher.Connecting(a)
	}
	return a.at
}

// lasts makes a connection that lives for d.
func (a *attempts) lasts(d time.Duration) {
	p := a.factory.BuildProtocol(nil)
	a.clock.Advance(d)
	p.ConnectionLost(protocol.ErrConnectionDone)
	a.watcher.Disconnected(a, protocol.ErrConnectionDone)
}

// wait returns how long it takes until the next attempt.
func (a *attempts) wait() time.Duration {
	for n, d := len(a.at), time.Duration(0); d < time.Hour; d += time.Millisecond {
		if len(a.at) > n {
			a.watcher.Connecting(a)
			return d
		}
		a.clock.Advance(time.Millisecond)
	}
	return -1
}

func nothing() factory.Factory { f, _ := probes(probe{}); return f }

// The first delay is Initial, each further one is longer by Factor, none is
// longer than Max.
func TestDelaysGrow(t *testing.T) {
	a := trying(&factory.Reconnecting{Initial: time.Second, Factor: 3, Max: 10 * time.Second, Jitter: -1}, nothing())
	for _, want := range []time.Duration{1, 3, 9, 10, 10} {
		a.watcher.ConnectFailed(a, errFailed)
		assert.Equal(t, want*time.Second, a.wait())
	}
}

// Chance never makes a delay longer than Max, nor negative.
func TestJitterStaysInBounds(t *testing.T) {
	a := trying(&factory.Reconnecting{Max: 4 * time.Second, Jitter: 7}, nothing())
	different := make(map[time.Duration]bool)
	for range 200 {
		a.watcher.ConnectFailed(a, errFailed)
		d := a.wait()
		different[d] = true
		assert.True(t, 0 <= d && d <= 4*time.Second, d)
	}
	assert.Greater(t, len(different), 10)
}

// A day of failures leaves the delay at a minute, by default.
func TestDelayIsBoundedByDefault(t *testing.T) {
	a := trying(&factory.Reconnecting{}, nothing())
	a.fails(100)
	a.watcher.ConnectFailed(a, errFailed)
	d := a.wait()
	assert.True(t, 45*time.Second <= d && d <= time.Minute, d)
}

// A connection that lasted resets the delay; one that broke at once does not.
func TestOnlyALastingConnectionResets(t *testing.T) {
	a := trying(&factory.Reconnecting{Jitter: -1}, nothing())
	a.fails(3)
	a.lasts(time.Second)
	assert.Equal(t, 8*time.Second, a.wait())
	a.lasts(time.Second + 1)
	assert.Equal(t, time.Second, a.wait())
}

// After MaxRetries failures in a row it gives up, says so, and lets go of the factory.
func TestMaxRetries(t *testing.T) {
	var gaveUp error
	r := &factory.Reconnecting{MaxRetries: 2, Jitter: -1, GaveUp: func(_ factory.Connector, err error) { gaveUp = err }}
	a := trying(r, nothing())
	a.fails(1)
	a.lasts(time.Minute)
	a.clock.Advance(time.Second)
	a.fails(1)
	assert.NoError(t, gaveUp, "the connection between them was a success")
	a.watcher.ConnectFailed(a, errFailed)
	assert.Equal(t, errFailed, gaveUp)
	assert.True(t, a.stopped)
	assert.Zero(t, a.clock.Timers())
}

// It stops when the network stops, when it is stopped itself, and when the
// Connector is, whatever it was doing.
func TestReconnectingStops(t *testing.T) {
	stopped := &net.OpError{Op: "dial", Err: protocol.ErrStopped}
	aborted := &net.OpError{Op: "dial", Err: protocol.ErrConnectionAborted}
	for name, end := range map[string]func(r *factory.Reconnecting, a *attempts){
		"attempt, network stops": func(_ *factory.Reconnecting, a *attempts) { a.watcher.ConnectFailed(a, stopped) },
		"connection, network stops": func(_ *factory.Reconnecting, a *attempts) {
			a.watcher.Disconnected(a, errors.Join(protocol.ErrShutdown))
		},
		"attempt is stopped":    func(_ *factory.Reconnecting, a *attempts) { a.watcher.ConnectFailed(a, aborted) },
		"connection is stopped": func(_ *factory.Reconnecting, a *attempts) { a.Stop(); a.lasts(time.Hour) },
		"wait is stopped":       func(_ *factory.Reconnecting, a *attempts) { a.lasts(0); a.Stop() },
		"Stop while waiting":    func(r *factory.Reconnecting, a *attempts) { a.lasts(0); r.Stop() },
		"Stop while connected":  func(r *factory.Reconnecting, a *attempts) { r.Stop(); a.lasts(0) },
	} {
		t.Run(name, func(t *testing.T) {
			gaveUp := 0
			r := &factory.Reconnecting{GaveUp: func(factory.Connector, error) { gaveUp++ }}
			a := trying(r, nothing())
			end(r, a)
			a.clock.Advance(time.Hour)
			assert.Empty(t, a.at)
			assert.Equal(t, 1, gaveUp)
			assert.True(t, a.stopped)
		})
	}
}

// An attempt that somebody else begins takes the place of the one waited for.
func TestAttemptOfOthersReplacesTheWait(t *testing.T) {
	a := trying(&factory.Reconnecting{}, nothing())
	a.watcher.ConnectFailed(a, errFailed)
	a.watcher.Connecting(a)
	assert.Zero(t, a.clock.Timers())
}

type witness struct {
	factory.Factory
	heard []string
}

func (w *witness) Connecting(factory.Connector) { w.heard = append(w.heard, "connecting") }
func (w *witness) ConnectFailed(factory.Connector, error) {
	w.heard = append(w.heard, "failed")
	panic("failed")
}
func (w *witness) Disconnected(factory.Connector, error) { w.heard = append(w.heard, "disconnected") }

// The wrapped factory hears what became of the attempts, over a network, and
// even if it panics there is another.
func TestReconnectingOverANetwork(t *testing.T) {
	m := network()
	clients, made := probes(probe{})
	w := &witness{Factory: clients}
	r := &factory.Reconnecting{Clock: m, Initial: time.Second, Jitter: -1}
	connect(m, r.Around(w), 1)
	assert.Equal(t, []string{"connecting", "failed"}, w.heard)

	servers, served := probes(probe{})
	listen(t, m, servers)
	m.Advance(time.Second)
	assert.Len(t, *made, 1)
	m.Advance(time.Minute)
	do(t, m, (*served)[0].LoseConnection)
	m.Advance(time.Second)
	assert.Len(t, *made, 2)
	assert.Equal(t, []string{"connecting", "failed", "connecting", "disconnected", "connecting"}, w.heard)
	stop(t, m)
	assert.Len(t, w.heard, 6)
}

// When the network stops while the next attempt is waited for, there is none.
func TestNoAttemptAfterTheEnd(t *testing.T) {
	m := network()
	w := &witness{Factory: nothing()}
	gaveUp := make(chan error, 9)
	r := &factory.Reconnecting{Clock: m, GaveUp: func(_ factory.Connector, err error) { gaveUp <- err }}
	connect(m, r.Around(w), 1)
	var done func()
	m.BeforeShutdown(func(d func()) { done = d })
	m.Stop()
	m.Advance(time.Hour)
	assert.Equal(t, []string{"connecting", "failed", "failed"}, w.heard)
	assert.ErrorIs(t, <-gaveUp, protocol.ErrStopped)
	done()
	stop(t, m)
	assert.Empty(t, gaveUp)
}
