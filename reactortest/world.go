package reactortest

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
)

// patience is how long the suite waits for what must happen; a busy machine is slow.
const patience = time.Minute

// A world is one reactor with which one law is tried.
type world struct {
	*testing.T
	Harness
	Reactor
	ended chan error // what Run returned

	restless bool // the law never lets the loop come to rest: the clock is left alone
}

// start makes the reactor and runs it until the law has been tried, when it must
// come to its end.
func (w *world) start(c ...Config) {
	w.Helper()
	w.make(c...)
	w.run()
}

// make makes the reactor.
func (w *world) make(c ...Config) {
	config := Config{Logger: slog.New(slog.DiscardHandler)}
	if len(c) > 0 {
		config.DrainTimeout, config.Workers, config.Socket = c[0].DrainTimeout, c[0].Workers, c[0].Socket
	}
	w.Reactor = w.New(w.T, config)
	if w.Wrap != nil {
		w.Reactor = wrapped{w.Reactor, w.Reactor, w.Wrap}
	}
	w.ended = make(chan error, 1)
}

func (w *world) run() {
	w.Helper()
	w.runWith(context.Background())
	w.Cleanup(func() {
		w.Stop()
		w.Stop() // whatever is left
		assert.NoError(w, wait(w, w.ended))
		w.ended <- nil // for those who end it themselves
	})
}

// runWith returns when the loop runs. Until then nobody may drive a clock that stands still,
// or two goroutines would.
func (w *world) runWith(ctx context.Context) {
	w.Helper()
	r, ended, running := w.Reactor, w.ended, make(chan struct{})
	err := r.Call(func() { close(running) })
	go func() { ended <- r.Run(ctx) }()
	if err != nil {
		return // it has been stopped
	}
	select {
	case <-running:
	case <-time.After(patience):
		w.giveUp()
	}
}

// end waits for the end of Run.
func (w *world) end() {
	w.Helper()
	err := wait(w, w.ended)
	w.ended <- err
	require.NoError(w, err)
}

// wait returns what comes. A clock that stands still is moved meanwhile.
func wait[T any](w *world, c <-chan T) (v T) {
	w.Helper()
	a, virtual := protocol.As[interface{ Advance(d time.Duration) }](w.Reactor)
	if !virtual || w.restless {
		select {
		case v = <-c:
		case <-time.After(patience):
			w.giveUp()
		}
		return v
	}
	for n, began := 1, time.Now(); ; n++ {
		select {
		case v = <-c:
			return v
		default:
		}
		if n%100 == 0 { // not at once: other goroutines have real work to do
			a.Advance(time.Millisecond)
		} else {
			a.Advance(0)
		}
		runtime.Gosched()
		if time.Since(began) > patience {
			w.giveUp()
		}
	}
}

func (w *world) giveUp() {
	w.Helper()
	buf := make([]byte, 1<<18)
	w.Fatalf("nothing came; goroutines:\n%s", buf[:runtime.Stack(buf, true)])
}

// on runs f on the loop, in a turn of its own, and waits for it.
func (w *world) on(f func()) {
	w.Helper()
	done := make(chan struct{})
	require.NoError(w, w.Call(func() { defer close(done); f() }))
	wait(w, done)
}

// until waits until cond, which is asked on the loop, is true.
func (w *world) until(cond func() bool) {
	w.Helper()
	done := make(chan struct{})
	var ask func()
	ask = func() {
		switch {
		case cond():
			close(done)
		case w.restless:
			w.Call(ask)
		default:
			w.AfterFunc(time.Millisecond, ask)
		}
	}
	require.NoError(w, w.Call(ask))
	wait(w, done)
}

// pass lets time go by, by the reactor's own timer.
func (w *world) pass(d time.Duration) {
	w.Helper()
	done := make(chan struct{})
	require.NoError(w, w.Call(func() { w.AfterFunc(d, func() { close(done) }) }))
	wait(w, done)
}

// serve listens with f, and settings if there are any.
func (w *world) serve(f factory.Factory, s ...factory.Socket) factory.Port {
	w.Helper()
	var n factory.Network = w.Reactor
	if len(s) > 0 {
		n = n.Tuned(s[0])
	}
	p, err := n.Listen(w.Network, w.Address(w.T), f)
	require.NoError(w, err)
	return p
}

// join connects p to the port.
func (w *world) join(to factory.Port, p protocol.Protocol) factory.Connector {
	return w.Connect(w.Network, to.Addr().String(), just(p))
}

// just is a factory of one protocol.
func just(p protocol.Protocol) factory.Factory {
	return factory.Each(func() protocol.Protocol { return p })
}

// pair connects client to server, and waits until both have been told.
func (w *world) pair(server, client actor, s ...factory.Socket) {
	w.Helper()
	w.join(w.serve(just(server), s...), client)
	wait(w, server.core().made)
	wait(w, client.core().made)
}

// dial connects a peer from beside the reactor, or skips the law.
func (w *world) dial(to factory.Port) net.Conn {
	w.Helper()
	if w.Dial == nil {
		w.Skip("nobody is beside this reactor")
	}
	return w.own(w.Dial(w.T, to.Addr()))
}

func (w *world) own(c net.Conn) net.Conn {
	w.Cleanup(func() { c.Close() })
	require.NoError(w, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// size is how much the long laws move.
func (w *world) size() int {
	if testing.Short() {
		return 4 << 20
	}
	return 32 << 20
}

// countLeftovers has the law fail that leaves descriptors or goroutines behind.
func (w *world) countLeftovers() {
	if f, err := os.CreateTemp(w.TempDir(), ""); err == nil {
		f.Close() // the first file of a process makes the runtime open descriptors, which stay
	}
	descriptors, goroutines := openFiles(), runtime.NumGoroutine()
	w.Cleanup(func() {
		for began := time.Now(); openFiles() > descriptors || runtime.NumGoroutine() > goroutines; runtime.Gosched() {
			if time.Since(began) > 10*time.Second {
				buf := make([]byte, 1<<18)
				w.Errorf("%d descriptors were open and %d are, %d goroutines were there and these are:\n%s",
					descriptors, openFiles(), goroutines, buf[:runtime.Stack(buf, true)])
				return
			}
		}
	})
}

// openFiles counts the descriptors of this process, where that is possible.
func openFiles() int {
	files, _ := os.ReadDir("/proc/self/fd") // elsewhere there are none
	return len(files)
}
