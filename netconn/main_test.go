package netconn_test

import (
	"context"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

// patient is how long a test waits for what must happen; a busy machine is slow.
const patient = time.Minute

// worlds are the reactors that a test runs over.
var worlds = map[string]func(t testing.TB) reactortest.Reactor{
	"memory": func(t testing.TB) reactortest.Reactor { return memory(t) },
}

// inEach runs a test in each world.
func inEach(t *testing.T, test func(t *testing.T, r reactortest.Reactor)) {
	for name, start := range worlds {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

// inBubble runs a test over a reactor in memory, within a bubble: its time stands
// still while anything goes on, synctest.Wait waits until all goroutines wait, and
// one for which nothing can come is woken by its deadline at once.
func inBubble(t *testing.T, test func(t *testing.T, m *reactortest.Memory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, memory(t)) })
}

// memory runs a reactor in memory until the test ends.
func memory(t testing.TB) *reactortest.Memory {
	m := reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})
	run(t, m)
	return m
}

// run runs r until the test ends.
func run(t testing.TB, r reactortest.Reactor) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	t.Cleanup(func() {
		r.Stop()
		r.Stop() // whatever is left
		assert.NoError(t, wait(t, done))
	})
}

// wait returns what comes, and fails if nothing does.
func wait[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patient):
		buf := make([]byte, 1<<20)
		t.Fatalf("nothing came; goroutines:\n%s", buf[:runtime.Stack(buf, true)])
	}
	return v
}

// async runs f on a goroutine, and returns where its result comes.
func async[T any](f func() T) <-chan T {
	c := make(chan T, 1)
	go func() { c <- f() }()
	return c
}

// listen listens until the test ends.
func listen(t testing.TB, n factory.Network, wraps ...func(factory.Factory) factory.Factory) *netconn.Listener {
	t.Helper()
	l, err := netconn.Listen(n, "tcp", "127.0.0.1:0", wraps...)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// dial connects to l.
func dial(t testing.TB, n factory.Network, addr net.Addr) net.Conn {
	t.Helper()
	return dialBy(t, netconn.Dialer{Network: n}, addr)
}

func dialBy(t testing.TB, d netconn.Dialer, addr net.Addr) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	c, err := d.DialContext(ctx, addr.Network(), addr.String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// pair returns both ends of a connection.
func pair(t testing.TB, n factory.Network) (ours, theirs net.Conn) {
	t.Helper()
	return joined(t, netconn.Dialer{Network: n}, listen(t, n))
}

// joined returns both ends of a connection by d to l.
func joined(t testing.TB, d netconn.Dialer, l net.Listener) (ours, theirs net.Conn) {
	t.Helper()
	ours = dialBy(t, d, l.Addr())
	theirs, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { theirs.Close() })
	return ours, theirs
}

// A probe is a protocol whose events a test gives it.
type probe struct {
	protocol.Base
	made func(t protocol.Transport)
	data func(data []byte)
	lost func(reason error)
}

func (p *probe) ConnectionMade(t protocol.Transport) {
	if p.made != nil {
		p.made(t)
	}
}

func (p *probe) DataReceived(data []byte) {
	if p.data != nil {
		p.data(data)
	}
}

func (p *probe) ConnectionLost(reason error) {
	if p.lost != nil {
		p.lost(reason)
	}
}

// against returns a conn whose peer is p.
func against(t testing.TB, n factory.Network, p protocol.Protocol) net.Conn {
	t.Helper()
	l := listen(t, n)
	n.Connect("tcp", l.Addr().String(), factory.Each(func() protocol.Protocol { return p }))
	c, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// on runs f on the loop.
func on(t testing.TB, l protocol.Loop, f func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	_, err := protocol.Ask(ctx, l, func() struct{} { f(); return struct{}{} })
	require.NoError(t, err)
}

// requireOp requires that err is a *net.OpError around what.
func requireOp(t testing.TB, err error, op string, what error) {
	t.Helper()
	var e *net.OpError
	require.ErrorAs(t, err, &e)
	require.Equal(t, op, e.Op)
	require.ErrorIs(t, err, what)
}
