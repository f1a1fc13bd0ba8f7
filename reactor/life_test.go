package reactor_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// A callback that ends its goroutine ends the reactor, with an error that names
// it: all connections are told, all calls that were accepted run, and nothing is
// left open.
func TestGoexitClosesEverything(t *testing.T) {
	before := descriptors(t)
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	lost := make(chan error, 2)
	p := listen(t, r, serving(probe{
		data: func(tr protocol.Transport, data []byte) {
			if string(data) == "exit" {
				runtime.Goexit()
			}
			tr.Write(data)
		},
		lost: func(err error) { lost <- err },
	}))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	one, two := dial(t, p.Addr()), dial(t, p.Addr())
	require.True(t, echoes(one, patient))
	require.True(t, echoes(two, patient))
	_, err = two.Write([]byte("exit"))
	require.NoError(t, err)
	err = wait(t, ended)
	assert.ErrorContains(t, err, "Goexit")
	assert.ErrorContains(t, err, "(*reactor_test.probe).DataReceived")
	assert.ErrorIs(t, wait(t, lost), protocol.ErrShutdown)
	assert.ErrorIs(t, wait(t, lost), protocol.ErrShutdown)
	assert.ErrorIs(t, r.Call(func() {}), protocol.ErrStopped)
	one.Close()
	two.Close()
	assert.LessOrEqual(t, descriptors(t), before)
}

// So is the connection that was being told of its end: it hears the rest.
func TestGoexitAtTheEndOfAConnection(t *testing.T) {
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	lost := make(chan error, 2)
	p := listen(t, r, serving(probe{
		data: func(tr protocol.Transport, _ []byte) {
			tr.(protocol.Notifier).Ended(func(error) { runtime.Goexit() })
			tr.Abort()
		},
		lost: func(err error) { lost <- err },
	}))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	_, err = dial(t, p.Addr()).Write([]byte("x"))
	require.NoError(t, err)
	err = wait(t, ended)
	assert.ErrorContains(t, err, "(*reactor_test.probe).Ended")
	require.Len(t, lost, 1)
	assert.Equal(t, protocol.ErrConnectionAborted, wait(t, lost))
}

// A reactor runs once.
func TestRunTwice(t *testing.T) {
	r := start(t, reactor.Config{})
	on(t, r, func() int { return 0 })
	assert.ErrorIs(t, r.Run(context.Background()), reactor.ErrRunning)
}

// Stop before Run, or a context that has ended, lets Run clean up and return.
func TestStopBeforeRun(t *testing.T) {
	before := descriptors(t)
	r, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	listen(t, r, serving(probe{}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.NoError(t, r.Run(ctx))
	assert.LessOrEqual(t, descriptors(t), before)
	_, err = r.Listen("tcp", "127.0.0.1:0", serving(probe{}))
	assert.ErrorIs(t, err, protocol.ErrStopped)
}

// A stop drains: what was written arrives, protocols say goodbye, and everybody
// is told why.
func TestStopDrains(t *testing.T) {
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	lost := make(chan error, 2)
	p := listen(t, r, factory.Each(func() protocol.Protocol {
		return &polite{probe{data: echo, lost: func(err error) { lost <- err }}}
	}))
	var order []string
	var mu sync.Mutex
	note := func(s string) { mu.Lock(); defer mu.Unlock(); order = append(order, s) }
	r.BeforeShutdown(func(done func()) { note("before 1"); go done() })
	r.BeforeShutdown(func(done func()) { note("before 2"); done() })
	r.AfterShutdown(func() { note("after") })
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	c := dial(t, p.Addr())
	require.True(t, echoes(c, patient))
	r.Stop()
	said, err := io.ReadAll(c)
	assert.NoError(t, err)
	assert.Equal(t, "goodbye", string(said))
	c.Close()
	assert.NoError(t, wait(t, ended))
	reason := wait(t, lost)
	assert.ErrorIs(t, reason, protocol.ErrShutdown)
	assert.ErrorIs(t, reason, protocol.ErrConnectionDone)
	assert.Equal(t, []string{"before 1", "before 2", "after"}, order)
	r.Stop()
}

type polite struct{ probe }

func (p *polite) Shutdown() {
	p.Write([]byte("goodbye"))
	p.LoseConnection()
}

// A peer that does not go holds up the stop no longer than DrainTimeout.
func TestDrainTimeoutAborts(t *testing.T) {
	r, err := reactor.New(reactor.Config{DrainTimeout: time.Millisecond})
	require.NoError(t, err)
	lost := make(chan error, 1)
	made := make(chan bool, 1)
	p := listen(t, r, serving(probe{
		made: func(tr protocol.Transport) { tr.Write(make([]byte, 32<<20)); made <- true },
		lost: func(err error) { lost <- err },
	}))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	dial(t, p.Addr())
	wait(t, made)
	r.Stop()
	assert.NoError(t, wait(t, ended))
	reason := wait(t, lost)
	assert.ErrorIs(t, reason, protocol.ErrShutdown)
	assert.ErrorIs(t, reason, protocol.ErrConnectionAborted)
}

// A transport that is used by another goroutine says so, when the loop is at rest
// at the latest.
func TestMisuseIsCaught(t *testing.T) {
	r := start(t, reactor.Config{})
	made := make(chan protocol.Transport, 1)
	p := listen(t, r, serving(probe{made: func(tr protocol.Transport) { made <- tr }}))
	dial(t, p.Addr())
	tr := wait(t, made)
	on(t, r, func() int { return 0 })
	caught := 0
	for range 100 {
		func() {
			defer func() {
				if v := recover(); v != nil {
					caught++
					assert.Contains(t, v, "protocol.Remote")
				}
			}()
			tr.PauseReading()
		}()
	}
	assert.Positive(t, caught)
}

// A Factory that is none is noticed where it is given.
func TestNilFactory(t *testing.T) {
	r := start(t, reactor.Config{})
	_, err := r.Listen("tcp", "127.0.0.1:0", nil)
	assert.ErrorContains(t, err, "nil Factory")
	assert.Panics(t, func() { r.Connect("tcp", "127.0.0.1:1", nil) })
	c, other := net.Pipe()
	defer other.Close()
	defer c.Close()
	assert.ErrorContains(t, r.Adopt(c, nil), "nil Factory")
}

// A layer stands below the user's protocol.
type layer struct{ protocol.Layer }

// The watchdog names the protocol and method that hold the loop, with the stack.
func TestWatchdogNamesTheCallback(t *testing.T) {
	var log hosttest.Log
	r := start(t, reactor.Config{
		Logger:   slog.New(slog.NewTextHandler(&log, nil)),
		Watchdog: 5 * time.Millisecond,
	})
	noticed := make(chan bool)
	p := listen(t, r, factory.Each(func() protocol.Protocol {
		return protocol.Stack(&layer{}, &probe{data: func(protocol.Transport, []byte) { holdTheLoop(noticed) }})
	}))
	c := dial(t, p.Addr())
	_, err := c.Write([]byte("x"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "holds the loop") }, patient, time.Millisecond)
	close(noticed)
	assert.Contains(t, log.String(), "(*reactor_test.probe).DataReceived")
	assert.Contains(t, log.String(), "holdTheLoop", "the stack")
	assert.NotZero(t, r.Stats().LongestTurn)
}

// A callback that holds the loop also holds up Stop, and so does a BeforeShutdown
// function that holds it: the log says so.
func TestHeldStopIsTold(t *testing.T) {
	for _, before := range []bool{false, true} {
		var log hosttest.Log
		r := start(t, reactor.Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), Watchdog: -1})
		noticed, held := make(chan bool), make(chan bool, 1)
		hold := func() { held <- true; holdTheLoop(noticed) }
		if before {
			r.BeforeShutdown(func(done func()) { hold(); done() })
		} else {
			require.NoError(t, r.Call(hold))
			wait(t, held)
		}
		r.Stop()
		require.Eventually(t, func() bool { return strings.Contains(log.String(), "has not come to it") }, patient, time.Millisecond)
		close(noticed)
		assert.Contains(t, log.String(), "holdTheLoop", "the stack")
	}
}

func holdTheLoop(until chan bool) { <-until }

// Work runs off the loop and comes back by Call; at most Workers goroutines do it.
func TestWorkComesBack(t *testing.T) {
	r := start(t, reactor.Config{Workers: 2})
	var mu sync.Mutex
	busy, most := 0, 0
	back := make(chan bool, 100)
	for range 100 {
		require.NoError(t, r.Work(func() {
			mu.Lock()
			busy++
			most = max(most, busy)
			mu.Unlock()
			runtime.Gosched()
			mu.Lock()
			busy--
			mu.Unlock()
			if err := r.Call(func() { back <- r.OnLoop() }); err != nil {
				t.Error(err)
			}
		}))
	}
	for range 100 {
		assert.True(t, wait(t, back))
	}
	assert.LessOrEqual(t, most, 2)
}

// Ask and Flush on the loop itself would wait for ever, and so might those on another
// loop of the pool: they panic. The answer of a function that panics is an error.
func TestNoLoopWaitsForItsPool(t *testing.T) {
	pool := runPool(t, 2, reactor.Config{})
	r := pool.Reactors()[0]
	remotes := make(chan *protocol.Remote, 1)
	p := listen(t, r, serving(probe{made: func(tr protocol.Transport) { remotes <- protocol.NewRemote(tr) }}))
	dial(t, p.Addr())
	remote := wait(t, remotes)
	for _, caller := range pool.Reactors() {
		for name, f := range map[string]func(){
			"protocol.Ask": func() { _, _ = protocol.Ask(context.Background(), r, func() int { return 0 }) },
			"Remote.Flush": func() { _ = remote.Flush(context.Background()) },
		} {
			v := on(t, caller, func() (v any) {
				defer func() { v = recover() }()
				f()
				return nil
			})
			assert.Contains(t, v, name)
		}
	}
	assert.True(t, protocol.MayWait(nil))
	assert.NoError(t, remote.Flush(context.Background()))
	_, err := protocol.Ask(context.Background(), r, func() int { panic("oh") })
	assert.ErrorIs(t, err, protocol.ErrPanicked)
	assert.Equal(t, int64(1), r.Stats().Panics)
}

// A remote writes from any goroutine, in order, and is bounded.
func TestRemoteIsBounded(t *testing.T) {
	r := start(t, reactor.Config{Socket: factory.Socket{MaxBacklog: 256 << 10}})
	remotes := make(chan *protocol.Remote, 1)
	lost := make(chan error, 1)
	p := listen(t, r, serving(probe{
		made: func(tr protocol.Transport) { remotes <- protocol.NewRemote(tr) },
		lost: func(err error) { lost <- err },
	}))
	c := dial(t, p.Addr())
	remote := wait(t, remotes)
	assert.Equal(t, c.LocalAddr().String(), remote.RemoteAddr().String())
	sent, chunk := 0, bytes.Repeat([]byte("x"), 32<<10)
	for {
		n, err := remote.Write(chunk)
		if sent += n; err != nil {
			assert.ErrorIs(t, err, protocol.ErrSlowPeer)
			break
		}
	}
	got := make(chan int)
	go func() {
		n, err := io.Copy(io.Discard, c)
		assert.NoError(t, err)
		got <- int(n)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	require.NoError(t, remote.Flush(ctx))
	_, err := remote.Write([]byte("the end"))
	assert.NoError(t, err)
	remote.LoseConnection()
	assert.Equal(t, sent+len("the end"), wait(t, got))
	c.Close()
	assert.ErrorIs(t, wait(t, lost), protocol.ErrConnectionDone)
	_, err = remote.Write(chunk)
	assert.ErrorIs(t, err, net.ErrClosed)
}

// Stats tell how much work waits for a goroutine.
func TestStatsTellOfWork(t *testing.T) {
	r := start(t, reactor.Config{Workers: 2})
	began, release := make(chan bool, 5), make(chan struct{})
	for range cap(began) {
		require.NoError(t, r.Work(func() { began <- true; <-release }))
	}
	wait(t, began)
	wait(t, began)
	s := r.Stats()
	close(release)
	assert.Equal(t, [2]int{2, 3}, [2]int{s.Workers, s.Jobs})
}
