package reactortest

import (
	"net"
	"syscall"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

var listens = []law{
	{"PortIsBoundWhenListenReturns", boundAtOnce},
	{"BusyAddressIsAClearError", busyAddress},
	{"WrongNetworkIsAClearError", wrongNetwork},
	{"ClosedAddressIsFree", closedIsFree},
	{"ConnectionsOutliveTheirPort", outliveThePort},
	{"PortMayCloseInsideItsFactory", closeInFactory},
	{"RefusedPeersAreClosed", refusedAreClosed},
	{"GreetingIsSentByItself", greeting},
}

// Listen before Run binds, and who connects is served when the reactor runs.
func boundAtOnce(w *world) {
	w.make()
	port := w.serve(w.echoes())
	if a, ok := port.Addr().(*net.TCPAddr); ok {
		assert.NotZero(w, a.Port)
	}
	p := w.greeter(func(p *probe) { p.Write([]byte("x")) })
	w.join(port, p)
	w.run()
	assert.Equal(w, "x", p.has(1))
}

// An address in use is a *net.OpError that says so and which.
func busyAddress(w *world) {
	w.start()
	port := w.serve(w.echoes())
	w.on(func() {})
	_, err := w.Listen(w.Network, port.Addr().String(), w.echoes())
	var op *net.OpError
	require.ErrorAs(w, err, &op)
	assert.ErrorIs(w, err, syscall.EADDRINUSE)
	assert.Contains(w, err.Error(), port.Addr().String())
}

// So is a network that there is not.
func wrongNetwork(w *world) {
	w.start()
	_, err := w.Listen("tcp7", w.Address(w.T), w.echoes())
	var unknown net.UnknownNetworkError
	assert.ErrorAs(w, err, &unknown)
	failed := make(chan error, 1)
	w.Connect("tcp7", w.Address(w.T), w.client(nil, func(_ factory.Connector, err error) { failed <- err }, nil))
	assert.ErrorAs(w, wait(w, failed), &unknown)
}

// When Close has returned the address can be listened on again; Close twice is
// no harm.
func closedIsFree(w *world) {
	w.start()
	port := w.serve(w.echoes())
	for range 3 {
		closed := make(chan error, 1)
		go func() { closed <- port.Close() }()
		require.NoError(w, wait(w, closed))
		var err error
		if port, err = w.Listen(w.Network, port.Addr().String(), w.echoes()); !assert.NoError(w, err) {
			return
		}
	}
	w.on(func() { assert.NoError(w, port.Close()); assert.NoError(w, port.Close()) })
}

// Closing a port leaves its connections alone.
func outliveThePort(w *world) {
	w.start()
	port, p := w.serve(w.echoes()), w.probe()
	w.join(port, p)
	wait(w, p.made)
	w.on(func() { p.Write([]byte("served, ")) })
	assert.Equal(w, "served, ", p.has(8))
	w.on(func() { assert.NoError(w, port.Close()); p.Write([]byte("still here")) })
	assert.Equal(w, "served, still here", p.has(18))
}

// A factory may close its own port: no further connection is built.
func closeInFactory(w *world) {
	if w.Late {
		w.Skip("more have been accepted when it builds")
	}
	w.make()
	var port factory.Port
	built := 0
	port = w.serve(factory.Each(func() protocol.Protocol {
		built++
		assert.NoError(w, port.Close())
		return w.echoer()
	}))
	outcomes := make(chan error, 20)
	for range 10 {
		p := w.greeter(func(p *probe) { p.Write([]byte("x")) })
		f := w.client(p, func(_ factory.Connector, err error) { outcomes <- err }, func(_ factory.Connector, err error) { outcomes <- err })
		w.Connect(w.Network, port.Addr().String(), f)
	}
	w.run()
	w.until(func() bool { return len(outcomes) == 9 })
	w.on(func() { assert.Equal(w, 1, built) })
}

// A factory that builds nothing, or panics, has the peer closed, and nobody else.
func refusedAreClosed(w *world) {
	w.start()
	n := 0
	port := w.serve(factory.Each(func() protocol.Protocol {
		switch n++; n {
		case 1:
			return nil
		case 2:
			panic("build")
		}
		return w.echoer()
	}))
	for range 2 {
		p := w.probe()
		w.join(port, p)
		p.end()
	}
	p := w.greeter(func(p *probe) { p.Write([]byte("x")) })
	w.join(port, p)
	assert.Equal(w, "x", p.has(1))
}

// What a server says in ConnectionMade leaves although its client says nothing.
func greeting(w *world) {
	w.start()
	p := w.probe()
	w.pair(w.greeter(func(p *probe) { p.Write([]byte("220 hello")) }), p)
	assert.Equal(w, "220 hello", p.has(9))
}

// client is a factory whose events the law at hand has told.
func (w *world) client(p protocol.Protocol, failed, lost func(c factory.Connector, err error)) *watcher {
	return &watcher{w: w, p: p, failed: failed, lost: lost}
}

type watcher struct {
	w          *world
	p          protocol.Protocol
	connecting func(c factory.Connector)
	failed     func(c factory.Connector, err error)
	lost       func(c factory.Connector, err error)
	d          diary
}

func (f *watcher) BuildProtocol(net.Addr) protocol.Protocol {
	f.d.note("build")
	return f.p
}

func (f *watcher) Connecting(c factory.Connector) {
	f.d.note("connecting")
	if f.connecting != nil {
		f.connecting(c)
	}
}

func (f *watcher) ConnectFailed(c factory.Connector, err error) {
	f.d.note("failed")
	if f.failed != nil {
		f.failed(c, err)
	} else {
		f.w.Errorf("ConnectFailed: %v", err)
	}
}

func (f *watcher) Disconnected(c factory.Connector, err error) {
	f.d.note("disconnected")
	if f.lost != nil {
		f.lost(c, err)
	}
}
