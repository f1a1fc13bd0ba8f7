//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package group_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
	"github.com/torsion-go/torsion/reactor"
)

const deadline = 30 * time.Second // for anything: a busy machine is slow

// run runs a reactor. stop ends it and waits for the end.
func run(t *testing.T, c reactor.Config) (r *reactor.Reactor, stop func()) {
	t.Helper()
	r, err := reactor.New(c)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	stop = sync.OnceFunc(func() {
		r.Stop()
		assert.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return r, stop
}

// on runs f on the loop and waits for it.
func on(t *testing.T, l protocol.Loop, f func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	_, err := protocol.Ask(ctx, l, func() bool { f(); return true })
	require.NoError(t, err)
}

// A caster sends to its shard what its peer sends, and hears what all do.
type caster struct {
	protocol.Base
	shard *group.Shard
	m     *group.Member
}

func (c *caster) ConnectionMade(t protocol.Transport) { c.m = c.shard.Join(t) }
func (c *caster) DataReceived(data []byte)            { c.shard.Send(data) }
func (c *caster) ConnectionLost(error)                { c.m.Leave() }

func listen(t *testing.T, r *reactor.Reactor, g *group.Group, s factory.Socket) string {
	t.Helper()
	shard := g.On(r)
	port, err := r.Tuned(s).Listen("tcp", "127.0.0.1:0", factory.Each(func() protocol.Protocol { return &caster{shard: shard} }))
	require.NoError(t, err)
	return port.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, deadline)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(deadline)))
	return c
}

// until waits for what another goroutine does.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !ok(); runtime.Gosched() {
		require.True(t, time.Now().Before(end), what)
	}
}

// Peers of three reactors, some of them slow, read the same bytes: what loops
// share they change nowhere (with -race this is proved, as each slow peer has
// entries that grow while another loop appends behind them).
func TestPeersOfAllLoopsReadTheSame(t *testing.T) {
	const peers, said, width = 4, 400, 100
	var g group.Group
	var conns []net.Conn
	for range 3 {
		r, _ := run(t, reactor.Config{})
		addr := listen(t, r, &g, factory.Socket{WriteBuffer: 4 << 10})
		for range peers {
			conns = append(conns, dial(t, addr))
		}
	}
	until(t, "all to join", func() bool { return g.Len() == len(conns) })
	var all sync.WaitGroup
	got := make([][]byte, len(conns))
	for i, c := range conns {
		all.Go(func() {
			for n := range said {
				line := fmt.Appendf(nil, "%d-%d-", i, n)
				line = append(line, bytesOf('x', width-1-len(line))...)
				if _, err := c.Write(append(line, '\n')); !assert.NoError(t, err) {
					return
				}
			}
		})
		all.Go(func() {
			got[i] = make([]byte, len(conns)*said*width)
			_, err := io.ReadFull(slowly{c, 1 + i*i*50}, got[i])
			assert.NoError(t, err)
		})
	}
	all.Wait()
	for i := range got {
		require.True(t, bytes.Equal(got[0], got[i]), "peer %d", i)
	}
}

// slowly reads little at a time.
type slowly struct {
	io.Reader
	most int
}

func (s slowly) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), 64+s.most)]) }

// An ear is a member that remembers, on its loop.
type ear struct {
	strings.Builder
	m *group.Member
}

// Members come, speak and go on four loops and one goroutine more. What each has
// heard is one piece of what one heard who was there from the beginning to the
// end: nothing is missing, twice, or in another order.
func TestComingsAndGoingsOnAllLoops(t *testing.T) {
	const rounds = 150
	g := group.Group{History: 5}
	var loops []*reactor.Reactor
	for range 4 {
		r, _ := run(t, reactor.Config{})
		g.On(r)
		loops = append(loops, r)
	}
	first := &ear{}
	on(t, loops[0], func() { first.m = g.On(loops[0]).Join(first) })
	heard := make([][]*ear, len(loops))
	var all sync.WaitGroup
	for i, l := range loops {
		all.Go(func() {
			s := g.On(l)
			for n := range rounds {
				on(t, l, func() {
					e := &ear{}
					e.m = s.Join(e)
					heard[i] = append(heard[i], e)
					s.Send(fmt.Appendf(nil, "<%d-%d>", i, n))
					if old := n - 7; old >= 0 && old%2 == 0 {
						heard[i][old].m.Leave()
					}
				})
				g.Send(fmt.Appendf(nil, "<also %d-%d>", i, n))
			}
		})
	}
	all.Wait()
	g.Send([]byte("<end>"))
	for i, l := range loops {
		hears(t, l, heard[i][rounds-1])
	}
	hears(t, loops[0], first)
	reference := first.String()
	assert.Equal(t, 2*rounds*len(loops)+1, strings.Count(reference, "<"))
	for i := range heard {
		for n, e := range heard[i] {
			require.Contains(t, reference, e.String(), "%d-%d", i, n)
			if n < rounds-7 && n%2 == 0 {
				continue // it has left
			}
			require.Contains(t, e.String(), fmt.Sprintf("<%d-%d>", i, n), "its own")
			require.True(t, strings.HasSuffix(reference, e.String()), "%d-%d has heard the end", i, n)
		}
	}
}

// hears waits until e has heard the end.
func hears(t *testing.T, l protocol.Loop, e *ear) {
	t.Helper()
	until(t, "the end to be heard", func() (end bool) {
		on(t, l, func() { end = strings.HasSuffix(e.String(), "<end>") })
		return end
	})
}

// A reactor that stops in the middle takes its own members away and nobody else's,
// and leaves no goroutine.
func TestReactorStopsInTheMiddle(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	var g group.Group
	stays, stopStays := run(t, reactor.Config{})
	ends, stopEnds := run(t, reactor.Config{DrainTimeout: time.Millisecond})
	here := dial(t, listen(t, stays, &g, factory.Socket{}))
	there := dial(t, listen(t, ends, &g, factory.Socket{}))
	until(t, "both to join", func() bool { return g.Len() == 2 })
	const said = 2000
	var all sync.WaitGroup
	all.Go(func() {
		for n := range said {
			if n == said/2 {
				stopEnds()
			}
			_, err := fmt.Fprintf(here, "%08d", n)
			assert.NoError(t, err)
		}
	})
	got := make([]byte, said*8)
	_, err := io.ReadFull(here, got)
	require.NoError(t, err)
	for n := range said {
		require.Equal(t, fmt.Sprintf("%08d", n), string(got[n*8:][:8]))
	}
	all.Wait()
	there.SetDeadline(time.Now().Add(deadline))
	rest, _ := io.ReadAll(there)
	assert.True(t, bytes.HasPrefix(got, rest))
	assert.Equal(t, 1, g.Len())
	stopStays()
	until(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// A callback that hangs loses who is on its loop. The others read all, and who
// comes afterwards is as good as new.
func TestHangingCallbackSilencesNobody(t *testing.T) {
	g := group.Group{MaxBacklog: 64 << 10, History: 1}
	good, _ := run(t, reactor.Config{})
	bad, _ := run(t, reactor.Config{Watchdog: -1})
	here := dial(t, listen(t, good, &g, factory.Socket{}))
	addr := listen(t, bad, &g, factory.Socket{})
	there := dial(t, addr)
	until(t, "both to join", func() bool { return g.Len() == 2 })
	goOn, hangs := make(chan bool), make(chan bool)
	require.NoError(t, bad.Call(func() { close(hangs); <-goOn }))
	<-hangs
	line, got := bytesOf('x', 1000), make([]byte, 1000)
	for range 300 {
		_, err := here.Write(line)
		require.NoError(t, err)
		_, err = io.ReadFull(here, got)
		require.NoError(t, err)
	}
	close(goOn)
	n, err := io.Copy(io.Discard, there)
	assert.Error(t, err, "reset")
	assert.Zero(t, n)
	until(t, "it to be dropped", func() bool { return g.Len() == 1 })

	again := dial(t, addr)
	until(t, "it to join", func() bool { return g.Len() == 2 })
	_, err = here.Write([]byte("and on"))
	require.NoError(t, err)
	want := "and on"
	read := make([]byte, 2000)
	n2, err := io.ReadAtLeast(again, read, len(want)+1)
	require.NoError(t, err)
	for !bytes.HasSuffix(read[:n2], []byte(want)) {
		more, err := again.Read(read[n2:])
		require.NoError(t, err)
		n2 += more
	}
	assert.True(t, bytes.HasPrefix(read[:n2], []byte("x")), "the history")
}
