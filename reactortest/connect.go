package reactortest

import (
	"net"
	"syscall"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

var connects = []law{
	{"WatcherHearsEverythingInOrder", watcherOrder},
	{"RefusedConnectIsAClearError", connectRefused},
	{"NilOfAClientsFactoryIsErrRefused", clientRefuses},
	{"ConnectInDisconnectedConnectsAgain", connectAgain},
	{"ConnectorStopsAnAttempt", connectorStops},
	{"ConnectorStopEndsAConnection", connectorStopLoses},
	{"ConnectTwiceIsOneAttempt", connectTwice},
	{"FailedConnectMayStopTheReactor", failureStops},
	{"ConnectWhileStoppingAnswersErrStopped", connectWhileStopping},
}

// Connecting, BuildProtocol, ConnectionLost, Disconnected: in this order, and
// with the same Connector and reason.
func watcherOrder(w *world) {
	w.start()
	p := w.greeter(func(p *probe) { p.LoseConnection() })
	f := w.client(p, nil, nil)
	p.onLost = func(error) { f.d.note("lost") }
	done := make(chan struct{})
	var seen factory.Connector
	f.connecting = func(c factory.Connector) { seen = c }
	f.lost = func(c factory.Connector, err error) {
		assert.Same(w, seen, c)
		assert.Equal(w, p.reason, err)
		close(done)
	}
	port := w.serve(w.echoes())
	c := w.Connect(w.Network, port.Addr().String(), f)
	wait(w, done)
	assert.Same(w, seen, c)
	assert.Equal(w, port.Addr().String(), c.Addr())
	assert.Equal(w, []string{"connecting", "build", "lost", "disconnected"}, f.d.read())
}

// nobody returns an address where nobody listens. Closed on a loop, the others of its
// pool might listen for a while.
func (w *world) nobody() string {
	port := w.serve(w.echoes())
	assert.NoError(w, port.Close())
	return port.Addr().String()
}

// Where nobody listens ConnectFailed gets a *net.OpError with the address.
func connectRefused(w *world) {
	w.start()
	failed := make(chan error, 1)
	addr := w.nobody()
	w.Connect(w.Network, addr, w.client(nil, func(_ factory.Connector, err error) { failed <- err }, nil))
	err := wait(w, failed)
	var op *net.OpError
	assert.ErrorAs(w, err, &op)
	assert.Contains(w, err.Error(), addr)
	if w.Network == "unix" && w.Dial != nil {
		assert.ErrorIs(w, err, syscall.ENOENT) // its file is gone
	} else {
		assert.ErrorIs(w, err, syscall.ECONNREFUSED)
	}
}

// A client's factory that builds nothing has its attempt fail.
func clientRefuses(w *world) {
	w.start()
	failed := make(chan error, 1)
	w.Connect(w.Network, w.serve(w.echoes()).Addr().String(),
		w.client(nil, func(_ factory.Connector, err error) { failed <- err }, nil))
	assert.ErrorIs(w, wait(w, failed), protocol.ErrRefused)
}

// A Watcher may connect again from Disconnected, and from ConnectFailed.
func connectAgain(w *world) {
	w.start()
	port := w.serve(w.echoes())
	done := make(chan struct{})
	n := 0
	f := &again{build: func() protocol.Protocol {
		if n++; n == 5 {
			close(done)
			return w.probe()
		}
		if n%2 == 0 {
			return nil
		}
		return w.greeter(func(p *probe) { p.LoseConnection() })
	}}
	w.Connect(w.Network, port.Addr().String(), f)
	wait(w, done)
}

// again connects for ever, until it is stopped.
type again struct {
	build func() protocol.Protocol
}

func (f *again) BuildProtocol(net.Addr) protocol.Protocol   { return f.build() }
func (f *again) Connecting(factory.Connector)               {}
func (f *again) ConnectFailed(c factory.Connector, _ error) { c.Connect() }
func (f *again) Disconnected(c factory.Connector, _ error)  { c.Connect() }

// Stop inside Connecting has the attempt fail, with nobody connected.
func connectorStops(w *world) {
	w.start()
	failed := make(chan error, 1)
	f := w.client(nil, func(_ factory.Connector, err error) { failed <- err }, nil)
	f.connecting = func(c factory.Connector) { c.Stop() }
	w.Connect(w.Network, w.serve(w.echoes()).Addr().String(), f)
	assert.ErrorIs(w, wait(w, failed), protocol.ErrConnectionAborted)
	assert.Equal(w, []string{"connecting", "failed"}, f.d.read())
}

// Stop of a Connector that has a connection is a LoseConnection, through layers too.
func connectorStopLoses(w *world) {
	w.start()
	p, peer := w.probe(), w.probe()
	c := w.join(w.serve(just(peer)), p)
	wait(w, p.made)
	w.on(func() { p.Write(make([]byte, 1<<20)); c.Stop() })
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	assert.Equal(w, protocol.ErrConnectionDone, peer.end())
	assert.Len(w, peer.input, 1<<20)
}

// Connect while there is an attempt or a connection does nothing.
func connectTwice(w *world) {
	w.start()
	p := w.probe()
	f := w.client(p, nil, nil)
	c := w.Connect(w.Network, w.serve(w.echoes()).Addr().String(), f)
	c.Connect()
	wait(w, p.made)
	c.Connect()
	w.on(func() {})
	assert.Equal(w, []string{"connecting", "build"}, f.d.read())
}

// ConnectFailed is a place to stop from.
func failureStops(w *world) {
	w.start()
	w.Connect(w.Network, w.nobody(), w.client(nil, func(factory.Connector, error) { w.Stop() }, nil))
	w.end()
}

// Who connects while the reactor stops hears it, and one that connects again
// each time does not hold it up.
func connectWhileStopping(w *world) {
	w.start()
	failed := make(chan error, 100)
	addr := w.serve(w.echoes()).Addr().String()
	w.BeforeShutdown(func(done func()) {
		w.Connect(w.Network, addr, w.client(nil, func(c factory.Connector, err error) {
			if len(failed) < cap(failed) {
				failed <- err
				c.Connect()
			}
		}, nil))
		w.Call(done)
	})
	w.Stop()
	w.end()
	assert.ErrorIs(w, <-failed, protocol.ErrStopped)
}
