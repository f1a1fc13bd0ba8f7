package reactortest

import (
	"context"
	"errors"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

var life = []law{
	{"StopBeforeRunEndsRun", stopBeforeRun},
	{"StopIsFineAtAnyTime", stopAnyTime},
	{"EndOfContextStops", endOfContext},
	{"RunTwiceIsAnError", runTwice},
	{"BeforeShutdownRunsInOrderEachWaitedFor", beforeShutdown},
	{"StopRunsNothingInsideItself", stopIsAsynchronous},
	{"PanicInATriggerStopsNoOther", panicInTriggers},
	{"AfterShutdownComesLast", afterShutdown},
	{"EveryConnectionHearsOfTheEnd", allHearTheEnd},
	{"ShutdownerSaysGoodbye", shutdownerSaysGoodbye},
	{"WhoWaitsAtAPortHearsTheEnd", waitingHearTheEnd},
	{"DrainTimeoutAbortsTheRest", drainTimeout},
	{"SecondStopAbortsTheRest", secondStop},
	{"StoppedReactorRefuses", stoppedRefuses},
	{"FactoriesAreStartedOnceOverPorts", factoriesCounted},
	{"StartFactoryErrorIsListens", startFactoryFails},
}

// Stop before Run has Run return soon.
func stopBeforeRun(w *world) {
	w.make()
	w.Stop()
	w.run()
	w.end()
}

// Stop may be called from the loop, twice, and after the end.
func stopAnyTime(w *world) {
	w.start()
	w.on(w.Stop)
	w.end()
	w.Stop()
}

// The end of Run's context is a Stop.
func endOfContext(w *world) {
	w.make()
	ctx, cancel := context.WithCancel(context.Background())
	w.runWith(ctx)
	w.on(func() {})
	cancel()
	assert.NoError(w, wait(w, w.ended))
}

// A reactor runs once: of two that run it one is told so, the other goes on.
func runTwice(w *world) {
	w.make()
	w.runWith(context.Background())
	w.runWith(context.Background())
	assert.Error(w, wait(w, w.ended))
	w.Stop()
	assert.NoError(w, wait(w, w.ended))
}

// Shutdown goes on when a trigger has called done, from whatever goroutine, also twice.
func beforeShutdown(w *world) {
	w.start()
	var d diary
	first, second := make(chan func(), 1), make(chan func(), 1)
	w.BeforeShutdown(func(done func()) { d.note("first"); first <- done })
	w.BeforeShutdown(func(done func()) { d.note("second"); second <- done })
	w.BeforeShutdown(func(done func()) { d.note("third"); done() })
	w.Stop()
	done := wait(w, first)
	w.pass(time.Millisecond)
	assert.Equal(w, []string{"first"}, d.read())
	done()
	done()
	wait(w, second)()
	w.end()
	assert.Equal(w, []string{"first", "second", "third"}, d.read())
}

// What Stop sets going happens in later turns.
func stopIsAsynchronous(w *world) {
	w.start()
	var d diary
	w.BeforeShutdown(func(done func()) { d.note("trigger"); done() })
	w.on(func() { w.Stop(); d.note("stopped") })
	w.end()
	assert.Equal(w, []string{"stopped", "trigger"}, d.read())
}

// A trigger that panics counts as done.
func panicInTriggers(w *world) {
	w.start()
	var d diary
	w.BeforeShutdown(func(func()) { panic("before") })
	w.BeforeShutdown(func(done func()) { d.note("before"); done() })
	w.AfterShutdown(func() { panic("after") })
	w.AfterShutdown(func() { d.note("after") })
	w.Stop()
	w.end()
	assert.Equal(w, []string{"before", "after"}, d.read())
}

// After-shutdown functions run when all connections have been told, in order.
func afterShutdown(w *world) {
	w.start()
	var d diary
	server, client := w.probe(), w.probe()
	server.onLost = func(error) { d.note("lost") }
	client.onLost = server.onLost
	w.pair(server, client)
	w.AfterShutdown(func() { d.note("one") })
	w.AfterShutdown(func() { d.note("two") })
	w.Stop()
	w.end()
	assert.Equal(w, []string{"lost", "lost", "one", "two"}, d.read())
}

// Paused connections and those whose neighbours panic are told as well, and why.
func allHearTheEnd(w *world) {
	w.start()
	var all []*probe
	port := w.serve(factory.Each(func() protocol.Protocol {
		p := w.greeter(func(p *probe) { p.PauseReading() })
		p.onLost = func(error) { panic("lost") }
		all = append(all, p)
		return p
	}))
	for range 5 {
		p := w.probe()
		w.join(port, p)
		wait(w, p.made)
		w.on(func() { all = append(all, p) })
	}
	w.until(func() bool { return len(all) == 10 })
	w.Stop()
	w.end()
	for _, p := range all {
		assert.ErrorIs(w, p.reason, protocol.ErrShutdown)
	}
}

// A Shutdowner ends by itself, and what it says is delivered.
func shutdownerSaysGoodbye(w *world) {
	w.start()
	s, client := &leaver{probe: w.probe()}, &leaver{probe: w.probe()}
	s.onShutdown = func() { s.Write([]byte("goodbye")); s.LoseConnection() }
	client.onShutdown = func() {} // it waits for the server
	w.pair(s, client)
	w.Stop()
	w.end()
	assert.Equal(w, "goodbye", string(client.input))
	assert.ErrorIs(w, client.reason, protocol.ErrConnectionDone)
}

// Whom the system has connected already, but nobody has accepted yet, is served as
// everybody else, and not reset.
func waitingHearTheEnd(w *world) {
	w.start()
	port := w.serve(factory.Each(func() protocol.Protocol {
		s := &leaver{probe: w.greeter(func(p *probe) { p.Write([]byte("hello, ")) })}
		s.onShutdown = func() { s.Write([]byte("goodbye")); s.LoseConnection() }
		return s
	}))
	var clients []*leaver
	w.on(func() {
		for range 200 { // more than are accepted at once
			c := &leaver{probe: w.probe(), onShutdown: func() {}} // it waits for the server
			clients = append(clients, c)
			w.join(port, c)
		}
		w.Stop()
	})
	w.end()
	for _, c := range clients {
		switch {
		case c.reason == nil: // it was stopped before it was connected
		case w.Wrap != nil && len(c.input) == 0: // it was connected, but the server's handshake was not over
		default:
			assert.ErrorIs(w, c.reason, protocol.ErrConnectionDone)
			assert.Equal(w, "hello, goodbye", string(c.input))
		}
	}
}

// DrainTimeout after Stop whoever has not ended is aborted.
func drainTimeout(w *world) {
	w.start(Config{DrainTimeout: 50 * time.Millisecond})
	s, client := &leaver{probe: w.probe()}, &leaver{probe: w.probe()}
	s.onShutdown, client.onShutdown = func() {
		at, ok := protocol.DrainEnd(s.Loop())
		assert.True(w, ok)
		assert.WithinRange(w, at, time.Time{}.Add(1), s.Loop().Now().Add(50*time.Millisecond))
	}, func() {}
	w.pair(s, client)
	w.on(func() {
		_, ok := protocol.DrainEnd(s.Loop())
		assert.False(w, ok)
	})
	w.Stop()
	w.end()
	assert.ErrorIs(w, s.reason, protocol.ErrShutdown)
	assert.ErrorIs(w, s.reason, protocol.ErrConnectionAborted)
}

// A second Stop waits for nobody, not for triggers either.
func secondStop(w *world) {
	w.start(Config{DrainTimeout: -1})
	s := &leaver{probe: w.probe(), onShutdown: func() {}}
	w.pair(s, w.probe())
	w.BeforeShutdown(func(func()) {})
	w.Stop()
	w.on(func() {
		_, ok := protocol.DrainEnd(s.Loop())
		assert.False(w, ok, "for who has all the time")
	})
	assert.NoError(w, s.reason)
	w.Stop()
	w.end()
	assert.ErrorIs(w, s.reason, protocol.ErrConnectionAborted)
}

// A reactor that has ended takes nothing any more, and says so.
func stoppedRefuses(w *world) {
	w.start()
	p := w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, w.probe())
	var remote *protocol.Remote
	w.on(func() { remote = protocol.NewRemote(p) })
	w.Stop()
	w.end()
	_, err := w.Listen(w.Network, w.Address(w.T), w.echoes())
	assert.ErrorIs(w, err, protocol.ErrStopped)
	assert.ErrorIs(w, w.Call(func() { w.Error("it ran") }), protocol.ErrStopped)
	assert.ErrorIs(w, w.Work(func() { w.Error("it ran") }), protocol.ErrStopped)
	_, err = remote.Write([]byte("x"))
	assert.Error(w, err)
	_, err = protocol.Ask(context.Background(), w.Reactor, func() int { return 1 })
	assert.ErrorIs(w, err, protocol.ErrStopped)
	w.Connect(w.Network, "127.0.0.1:1", w.echoes()).Stop() // no harm
}

// startable counts its starts and stops.
type startable struct {
	factory.Factory
	d    diary
	fail error
}

func (s *startable) StartFactory() error { s.d.note("start"); return s.fail }
func (s *startable) StopFactory()        { s.d.note("stop") }

// A factory on two ports starts with the first and stops with the last.
func factoriesCounted(w *world) {
	w.start()
	f := &startable{Factory: w.echoes()}
	one, two := w.serve(f), w.serve(f)
	require.NoError(w, one.Close())
	w.on(func() {})
	assert.Equal(w, []string{"start"}, f.d.read())
	require.NoError(w, two.Close())
	require.NoError(w, two.Close())
	w.on(func() {})
	assert.Equal(w, []string{"start", "stop"}, f.d.read())
	w.serve(f)
	w.Stop()
	w.end()
	assert.Equal(w, []string{"start", "stop", "start", "stop"}, f.d.read())
}

// A factory that cannot start is not listened with.
func startFactoryFails(w *world) {
	w.start()
	f := &startable{Factory: w.echoes(), fail: errors.New("no")}
	_, err := w.Listen(w.Network, w.Address(w.T), f)
	assert.Equal(w, f.fail, err)
	assert.Equal(w, []string{"start"}, f.d.read())
}
