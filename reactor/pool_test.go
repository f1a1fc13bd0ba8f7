package reactor_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
	"github.com/torsion-go/torsion/reactortest"
)

func ExamplePool() {
	pool, err := reactor.NewPool(0, reactor.Config{})
	if err != nil {
		panic(err)
	}
	port, err := pool.Listen("tcp", "127.0.0.1:0", func(factory.Network) factory.Factory {
		return factory.Each(func() protocol.Protocol { return &shouter{} })
	})
	if err != nil {
		panic(err)
	}
	first := pool.Reactors()[0]
	first.Connect("tcp", port.Addr().String(), factory.Each(func() protocol.Protocol { return &stopper{pool: pool} }))
	if err := pool.Run(context.Background()); err != nil {
		panic(err)
	}
	// Output: hello!
}

// A stopper stops the pool when the caller has hung up.
type stopper struct {
	caller
	pool *reactor.Pool
}

func (s *stopper) ConnectionLost(error) { s.pool.Stop() }

// pooled is the first reactor of a pool of two, as the suite sees it: the other one
// accepts too, and hands over what it gets, because it has connections enough.
type pooled struct {
	*reactor.Reactor
	pool *reactor.Pool
}

// enough is more than a law has of connections.
const enough = 300

func newPooled(t testing.TB, c reactortest.Config) reactortest.Reactor {
	pool, err := reactor.NewPool(2, reactor.Config{
		Logger: c.Logger, DrainTimeout: c.DrainTimeout, Workers: c.Workers, Socket: c.Socket,
	})
	require.NoError(t, err)
	first, second := pool.Reactors()[0], pool.Reactors()[1]
	for range enough / 2 {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		require.NoError(t, err)
		for _, fd := range fds {
			require.NoError(t, second.Adopt(connOf(t, fd), factory.Each(func() protocol.Protocol { return &ballast{} })))
		}
	}
	ready := make(chan struct{})
	require.NoError(t, second.Call(func() { close(ready) }))
	require.NoError(t, first.Call(func() { <-ready })) // it serves nobody before
	return pooled{first, pool}
}

func connOf(t testing.TB, fd int) net.Conn {
	f := os.NewFile(uintptr(fd), "")
	defer f.Close()
	c, err := net.FileConn(f)
	require.NoError(t, err)
	return c
}

// ballast is a connection that ends without ado.
type ballast struct{ protocol.Base }

func (b *ballast) DataReceived([]byte) {}
func (b *ballast) Shutdown()           { b.Abort() }

func (p pooled) Run(ctx context.Context) error      { return p.pool.Run(ctx) }
func (p pooled) Stop()                              { p.pool.Stop() }
func (p pooled) BeforeShutdown(f func(done func())) { p.pool.BeforeShutdown(f) }
func (p pooled) Tuned(s factory.Socket) factory.Network {
	return tunedPool{p.Reactor.Tuned(s), p.pool.Tuned(s)}
}

func (p pooled) Listen(network, addr string, f factory.Factory) (factory.Port, error) {
	return p.pool.Listen(network, addr, func(factory.Network) factory.Factory { return f })
}

func (p pooled) Listener(l net.Listener, f factory.Factory) (factory.Port, error) {
	return p.pool.Listener(l, func(factory.Network) factory.Factory { return f })
}

type tunedPool struct {
	factory.Network
	pool *reactor.Pool
}

func (p tunedPool) Listen(network, addr string, f factory.Factory) (factory.Port, error) {
	return p.pool.Listen(network, addr, func(factory.Network) factory.Factory { return f })
}

// The laws of every reactor hold for connections that another one has accepted.
func TestConformanceOfAPool(t *testing.T) {
	tcp := column("tcp4", func(testing.TB) string { return "127.0.0.1:0" })
	path := column("unix", func(t testing.TB) string { return filepath.Join(t.TempDir(), "s") })
	tcp.New, path.New = newPooled, newPooled
	tcp.Late = true
	reactortest.Test(t, tcp, path)
}

// runPool runs a pool until the test ends, which it must do cleanly.
func runPool(t testing.TB, n int, c reactor.Config) *reactor.Pool {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	p, err := reactor.NewPool(n, c)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- p.Run(context.Background()) }()
	t.Cleanup(func() {
		p.Stop()
		p.Stop()
		assert.NoError(t, wait(t, done))
	})
	return p
}

// same is a factory for each loop that is the same.
func same(f factory.Factory) func(factory.Network) factory.Factory {
	return func(factory.Network) factory.Factory { return f }
}

// Each loop gets about as many connections as the others, whatever it is that
// accepts them, and they stay even when some have gone.
func TestPoolSpreadsConnections(t *testing.T) {
	const loops, clients = 4, 200
	for name, open := range map[string]func(t *testing.T, p *reactor.Pool) factory.Port{
		"tcp": func(t *testing.T, p *reactor.Pool) factory.Port {
			port, err := p.Listen("tcp", "localhost:0", same(serving(probe{data: echo})))
			require.NoError(t, err)
			return port
		},
		"unix": func(t *testing.T, p *reactor.Pool) factory.Port {
			port, err := p.Listen("unix", filepath.Join(t.TempDir(), "s"), same(serving(probe{data: echo})))
			require.NoError(t, err)
			return port
		},
		"listener": func(t *testing.T, p *reactor.Pool) factory.Port {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			port, err := p.Listener(l, same(serving(probe{data: echo})))
			require.NoError(t, err)
			return port
		},
	} {
		t.Run(name, func(t *testing.T) {
			pool := runPool(t, loops, reactor.Config{})
			port := open(t, pool)
			for range clients {
				c, err := net.Dial(port.Addr().Network(), port.Addr().String())
				require.NoError(t, err)
				defer c.Close()
				require.True(t, echoes(c, patient))
			}
			all := pool.Stats()
			assert.Equal(t, clients, all.Connections)
			assert.EqualValues(t, clients, all.Accepted)
			for i, r := range pool.Reactors() {
				assert.InDelta(t, clients/loops, r.Stats().Connections, clients/loops/4, "reactor %d", i)
			}
		})
	}
}

// Each loop has a factory of its own, made with its own network, and every callback
// of its connections runs there.
func TestPoolHasAFactoryPerLoop(t *testing.T) {
	pool := runPool(t, 3, reactor.Config{})
	var networks []factory.Network
	port, err := pool.Listen("tcp", "127.0.0.1:0", func(n factory.Network) factory.Factory {
		networks = append(networks, n)
		served := 0 // no lock: it is one loop's
		return serving(probe{
			made: func(protocol.Transport) { served++ },
			data: func(t protocol.Transport, data []byte) {
				served++
				ok := n.(*reactor.Reactor).OnLoop() && onLoop(t.Loop())
				fmt.Fprintln(t, ok)
			},
		})
	})
	require.NoError(t, err)
	require.Len(t, networks, 3)
	for i, r := range pool.Reactors() {
		assert.Same(t, r, networks[i])
	}
	var clients sync.WaitGroup
	for range 30 {
		clients.Go(func() {
			c := dial(t, port.Addr())
			fmt.Fprintln(c, "?")
			var ok bool
			_, err := fmt.Fscan(c, &ok)
			assert.NoError(t, err)
			assert.True(t, ok)
		})
	}
	clients.Wait()
}

func onLoop(l protocol.Loop) bool { return l.(interface{ OnLoop() bool }).OnLoop() }

// An address has one port, though several sockets listen there, and is free when
// that is closed, from wherever.
func TestPoolsAddressIsItsOwn(t *testing.T) {
	pool, other := runPool(t, 3, reactor.Config{}), runPool(t, 3, reactor.Config{})
	first, err := pool.Listen("tcp", "127.0.0.1:0", same(serving(probe{data: echo})))
	require.NoError(t, err)
	for _, p := range []*reactor.Pool{pool, other} {
		_, err = p.Listen("tcp", first.Addr().String(), same(serving(probe{})))
		assert.ErrorIs(t, err, syscall.EADDRINUSE)
	}
	c := dial(t, first.Addr())
	require.True(t, echoes(c, patient))
	require.NoError(t, first.Close())
	require.NoError(t, first.Close())
	require.True(t, echoes(c, patient), "connections outlive their port")

	opened := make(chan factory.Port, 1)
	second, err := pool.Listen("tcp", first.Addr().String(), same(serving(probe{data: func(protocol.Transport, []byte) {
		(<-opened).Close()
	}})))
	require.NoError(t, err)
	opened <- second
	_, err = dial(t, second.Addr()).Write([]byte("close"))
	require.NoError(t, err)
	for { // the loops close it one after the other
		third, err := other.Listen("tcp", first.Addr().String(), same(serving(probe{data: echo})))
		if err == nil {
			require.True(t, echoes(dial(t, third.Addr()), patient))
			return
		}
		require.ErrorIs(t, err, syscall.EADDRINUSE)
	}
}

// Two loops that close each other's port at the same time do not wait for each other.
func TestPortsOfAPoolMayBeClosedFromEveryLoop(t *testing.T) {
	pool := runPool(t, 2, reactor.Config{})
	var ports []factory.Port
	for range 50 {
		p, err := pool.Listen("unix", "@"+filepath.Join(t.TempDir(), "s"), same(serving(probe{})))
		require.NoError(t, err)
		ports = append(ports, p)
		d, err := pool.Reactors()[len(ports)/2%2].ListenDatagram("udp", "127.0.0.1:0", &letterbox{})
		require.NoError(t, err)
		ports = append(ports, d)
	}
	closeFromBoth(t, pool, ports)
}

// closeFromBoth has two loops close all ports at the same time, each in its own order.
func closeFromBoth(t *testing.T, pool *reactor.Pool, ports []factory.Port) {
	t.Helper()
	var both sync.WaitGroup
	both.Add(2)
	done := make(chan struct{}, 2)
	for i, r := range pool.Reactors() {
		mine := slices.Clone(ports)
		if i > 0 {
			slices.Reverse(mine)
		}
		require.NoError(t, r.Call(func() {
			both.Done()
			both.Wait()
			for _, p := range mine {
				p.Close()
			}
			done <- struct{}{}
		}))
	}
	wait(t, done)
	wait(t, done)
}

// A limit counts the connections of all loops.
func TestPoliciesCountOverAPool(t *testing.T) {
	limit := factory.Limit{Total: 5}
	pool := runPool(t, 3, reactor.Config{})
	port, err := pool.Listen("tcp", "127.0.0.1:0", func(factory.Network) factory.Factory {
		return limit.Around(serving(probe{data: echo}))
	})
	require.NoError(t, err)
	for range limit.Total {
		require.True(t, echoes(dial(t, port.Addr()), patient))
	}
	assert.False(t, echoes(dial(t, port.Addr()), patient))
	assert.EqualValues(t, 1, pool.Stats().Refused)
}

// BeforeShutdown functions run before any loop closes its ports; then all say goodbye.
func TestPoolDrainsAsOne(t *testing.T) {
	before := descriptors(t)
	pool, err := reactor.NewPool(3, reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	port, err := pool.Listen("tcp", "127.0.0.1:0", same(factory.Each(func() protocol.Protocol { return &courteous{} })))
	require.NoError(t, err)
	proceed, asked := make(chan func(), 1), make(chan struct{})
	pool.BeforeShutdown(func(done func()) { proceed <- done; close(asked) })
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- pool.Run(ctx) }()
	var clients []net.Conn
	for range 12 {
		c := dial(t, port.Addr())
		require.True(t, echoes(c, patient))
		clients = append(clients, c)
	}
	cancel()
	wait(t, asked)
	for range 12 { // every loop still serves
		c := dial(t, port.Addr())
		require.True(t, echoes(c, patient))
		clients = append(clients, c)
	}
	(<-proceed)()
	for _, c := range clients {
		said, err := io.ReadAll(c)
		assert.NoError(t, err)
		assert.Equal(t, "goodbye", string(said))
		c.Close()
	}
	assert.NoError(t, wait(t, ended))
	assert.LessOrEqual(t, descriptors(t), before)
	assert.ErrorIs(t, pool.Run(context.Background()), reactor.ErrRunning)
	_, err = pool.Listen("tcp", "127.0.0.1:0", same(serving(probe{})))
	assert.ErrorIs(t, err, protocol.ErrStopped)
	assert.ErrorContains(t, err, "listen tcp 127.0.0.1:0: ")
}

type courteous struct{ protocol.Base }

func (p *courteous) DataReceived(data []byte) { p.Write(data) }
func (p *courteous) Shutdown()                { p.Write([]byte("goodbye")); p.LoseConnection() }

// When one reactor fails the others drain, and the error is its.
func TestPoolEndsWithItsReactor(t *testing.T) {
	pool, err := reactor.NewPool(3, reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	port, err := pool.Listen("tcp", "127.0.0.1:0", same(factory.Each(func() protocol.Protocol { return &courteous{} })))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(context.Background()) }()
	var clients []net.Conn
	for range 9 {
		c := dial(t, port.Addr())
		require.True(t, echoes(c, patient))
		clients = append(clients, c)
	}
	failing := pool.Reactors()[1]
	others := len(clients) - failing.Stats().Connections
	assert.Positive(t, others)
	require.NoError(t, failing.Call(runtime.Goexit))
	goodbyes := 0
	for _, c := range clients {
		if said, _ := io.ReadAll(c); string(said) == "goodbye" {
			goodbyes++
		}
	}
	assert.Equal(t, others, goodbyes, "of the two that did not fail")
	for _, c := range clients {
		c.Close()
	}
	assert.ErrorContains(t, wait(t, ended), "Goexit")
}
