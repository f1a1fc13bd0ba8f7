package reactor_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// patient is how long a test waits for what must happen; a busy machine is slow.
const patient = time.Minute

// start runs a reactor until the test ends, which it must do cleanly.
func start(t testing.TB, c reactor.Config) *reactor.Reactor {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	r, err := reactor.New(c)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	t.Cleanup(func() {
		r.Stop()
		r.Stop() // whatever is left: this is no test of the shutdown
		assert.NoError(t, wait(t, done))
	})
	return r
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

// listen serves f on a port of its own.
func listen(t testing.TB, r *reactor.Reactor, f factory.Factory) factory.Port {
	t.Helper()
	p, err := r.Listen("tcp", "127.0.0.1:0", f)
	require.NoError(t, err)
	return p
}

// dial connects as an ordinary program does.
func dial(t testing.TB, a net.Addr) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout(a.Network(), a.String(), patient)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patient)))
	return c.(*net.TCPConn)
}

// A probe is a protocol whose events a test gives it.
type probe struct {
	protocol.Base
	made func(t protocol.Transport)
	data func(t protocol.Transport, data []byte)
	lost func(reason error)
}

func (p *probe) ConnectionMade(t protocol.Transport) {
	if p.made != nil {
		p.made(t)
	}
}

func (p *probe) DataReceived(data []byte) {
	if p.data != nil {
		p.data(p.Transport, data)
	}
}

func (p *probe) ConnectionLost(reason error) {
	if p.lost != nil {
		p.lost(reason)
	}
}

func serving(p probe) factory.Factory {
	return factory.Each(func() protocol.Protocol { q := p; return &q })
}

func echo(t protocol.Transport, data []byte) { t.Write(data) }

// descriptors counts the open ones.
func descriptors(t testing.TB) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd here")
	}
	return len(files)
}

// on runs f on the loop and waits for it.
func on[T any](t testing.TB, r *reactor.Reactor, f func() T) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	v, err := protocol.Ask(ctx, r, f)
	require.NoError(t, err)
	return v
}
