package loop

import (
	"container/list"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// ErrRunning is the answer to running a loop twice.
var ErrRunning = errors.New("reactor: it runs already, or has run; make a new one")

// life is how a loop starts and stops:
//
//	new → running → stopping: BeforeShutdown functions, in order, each waited for
//	              → draining: ports closed, connections closing, jobs ending
//	              → finished: everybody told, AfterShutdown functions called
//
// A second Stop, or DrainTimeout after the first, aborts what is left.
type life struct {
	lifeMu  sync.Mutex
	started bool
	stops   int // calls of Stop; there are no more than two
	before  []func(done func())
	after   []func()
	ends    list.List // of func(): WhenStopped's, the loop's own

	stopping  atomic.Bool // Stop has been heard
	finished  atomic.Bool
	gone      chan struct{} // closed when finished
	closing   bool          // drain is to be next
	draining  bool          // the ports are closed
	finishing bool          // nothing is left to wait for
	forced    bool          // nor is anything waited for
	drainEnd  time.Time     // when DrainTimeout is over; zero before Stop, and if it never is
	ports     []*port
	clients   map[*connector]bool
}

// Start marks the loop as running on this goroutine. The function it returns
// ends that. Stop may have been called before.
func (l *Loop) Start() (leave func(), err error) {
	l.lifeMu.Lock()
	defer l.lifeMu.Unlock()
	if l.started {
		return nil, ErrRunning
	}
	l.started = true
	l.Enter()
	stopDog := l.startWatchdog()
	return func() { stopDog(); l.Leave() }, nil
}

// Started reports whether Start was called.
func (l *Loop) Started() bool {
	l.lifeMu.Lock()
	defer l.lifeMu.Unlock()
	return l.started
}

// Ended is closed when everything has ended.
func (l *Loop) Ended() <-chan struct{} { return l.gone }

// Finished reports whether everything has ended; the driver then stops.
func (l *Loop) Finished() bool { return l.finished.Load() }

// BeforeShutdown adds a function that runs on the loop before the ports close.
// Shutdown goes on when it has called done, from whatever goroutine.
func (l *Loop) BeforeShutdown(f func(done func())) {
	l.lifeMu.Lock()
	defer l.lifeMu.Unlock()
	l.before = append(l.before, f)
}

// AfterShutdown adds a function that runs on the loop when everything has ended.
func (l *Loop) AfterShutdown(f func()) {
	l.lifeMu.Lock()
	defer l.lifeMu.Unlock()
	l.after = append(l.after, f)
}

// WhenStopped has f called once, when everything has ended, before the
// AfterShutdown functions, or behind the one that asks; forget takes that back. Both
// belong to the loop.
func (l *Loop) WhenStopped(f func()) (forget func()) {
	l.check()
	e := l.ends.PushBack(f)
	return func() { l.ends.Remove(e) }
}

// tellStopped calls them, and those that they add.
func (l *Loop) tellStopped() {
	for e := l.ends.Front(); e != nil; e = l.ends.Front() {
		f := l.ends.Remove(e).(func())
		l.begin(nil)
		l.call("WhenStopped", f, f)
		l.end()
	}
}

// Stop begins the shutdown; again, it ends it at once. It may be called from
// anywhere and returns immediately.
func (l *Loop) Stop() { l.stop(2) }

// StopOnce is Stop if that has not been called.
func (l *Loop) StopOnce() { l.stop(1) }

// stop is Stop unless that has been called so often.
func (l *Loop) stop(most int) {
	l.lifeMu.Lock()
	defer l.lifeMu.Unlock()
	if l.stops >= most {
		return
	}
	if l.stops++; l.stops == 1 {
		l.urge(l.shutdown)
	} else {
		l.urge(l.abortAll)
	}
}

func (l *Loop) shutdown() {
	l.stopping.Store(true)
	if d := either(l.config.DrainTimeout, 10*time.Second); d > 0 {
		l.drainEnd = l.Now().Add(d)
		l.setTimer(nil, d, l.drainedTooLong)
	}
	l.nextBefore()
}

// nextBefore runs the BeforeShutdown functions one after the other.
func (l *Loop) nextBefore() {
	l.lifeMu.Lock()
	var f func(done func())
	if len(l.before) > 0 {
		f, l.before = l.before[0], l.before[1:]
	}
	l.lifeMu.Unlock()
	if f == nil {
		l.closing = true // Bell goes on
		return
	}
	var once sync.Once
	done := func() { once.Do(func() { _ = l.Call(l.nextBefore) }) }
	finished := false
	defer func() {
		if !finished {
			done() // it panicked: the next has its turn
		}
	}()
	l.what, l.whom = "BeforeShutdown", f
	f(done)
	finished = true
}

// lastCall takes those who wait at the ports, for whom it is as if they were served
// already, and then drains. Each is a turn of its own.
func (l *Loop) lastCall() {
	l.closing = false
	for _, p := range slices.Clone(l.ports) {
		p.take(lastBatch)
	}
	l.begin(nil)
	l.runCall(l.drain)
	l.end()
}

// drain closes the ports and asks everybody to end.
func (l *Loop) drain() {
	if l.draining {
		return
	}
	l.draining = true
	if l.config.Draining != nil {
		l.config.Draining()
	}
	l.closePorts()
	for _, s := range slices.Clone(l.sources) {
		if c, ok := s.(*Conn); ok {
			c.goodbye()
		}
	}
	for _, d := range slices.Clone(l.datagrams.open) {
		d.goodbye()
	}
	l.checkIdle()
}

// closePorts ends listening and connecting.
func (l *Loop) closePorts() {
	for _, p := range slices.Clone(l.ports) {
		p.close()
	}
	for c := range l.clients {
		c.cancel(protocol.ErrStopped)
	}
}

// DrainEnd is for protocol.DrainEnd.
func (l *Loop) DrainEnd() (at time.Time, ok bool) { return l.drainEnd, !l.drainEnd.IsZero() }

// drainedTooLong is the end of DrainTimeout.
func (l *Loop) drainedTooLong() {
	busy, jobs := l.workers.load()
	l.Logger().Warn("shutdown: DrainTimeout is over, aborting what is left",
		"connections", l.conns.Load(), "work", busy+jobs, "in BeforeShutdown", !l.draining)
	l.abortAll()
}

// goodbye lets the protocol end by itself, or ends it.
func (c *Conn) goodbye() {
	if c.noRead&(closing|ended) != 0 {
		return
	}
	if s, ok := protocol.As[protocol.Shutdowner](c.proto); ok {
		c.call("Shutdown", s.Shutdown)
	} else {
		c.LoseConnection()
	}
}

// lose is LoseConnection for reasons of our own: through the layers.
func (c *Conn) lose() {
	if c.noRead&(closing|ended) == 0 {
		c.call("LoseConnection", func() { protocol.LoseConnection(c.proto, c) })
	}
}

// abortAll ends what is left. BeforeShutdown functions that have not run yet
// will not.
func (l *Loop) abortAll() {
	l.stopping.Store(true)
	l.lifeMu.Lock()
	l.before = nil
	l.lifeMu.Unlock()
	l.drain()
	l.closePorts() // a drain that was broken off has left some
	for _, s := range slices.Clone(l.sources) {
		if c, ok := s.(*Conn); ok {
			c.abort(protocol.ErrConnectionAborted)
		}
	}
	for _, d := range l.datagrams.open {
		d.end(protocol.ErrConnectionAborted)
	}
	l.finishing, l.forced = true, true
	l.ring()
}

// checkIdle finishes the shutdown when nothing is left to wait for.
func (l *Loop) checkIdle() {
	if !l.draining || l.conns.Load() > 0 || len(l.datagrams.open) > 0 {
		return
	}
	if busy, jobs := l.workers.load(); busy+jobs == 0 {
		l.finishing = true
		l.ring()
	}
}

// Crash ends everything where a callback has ended the loop's goroutine, or the
// poller has failed: all connections are told, and nothing else is waited for.
// It runs on a new goroutine.
func (l *Loop) Crash() {
	l.Enter()
	l.turning, l.nested, l.holding, l.owner = false, false, false, nil
	l.scratch = l.scratch[:0]
	l.datagrams.batch, l.datagrams.telling = false, false
	l.keepRunning()
	l.begin(nil)
	if c := l.leaving; c != nil {
		c.farewell(c.reason())
	}
	l.abortAll()
	l.end()
	l.flushWaiting()
	l.finish()
}

// Running names the callback that ran last.
func (l *Loop) Running() string { return l.running() }

func (l *Loop) nextAfter() (f func()) {
	l.lifeMu.Lock()
	defer l.lifeMu.Unlock()
	if len(l.after) > 0 {
		f, l.after = l.after[0], l.after[1:]
	}
	return f
}

// finish ends the loop, after the turn that decided so.
func (l *Loop) finish() {
	l.workers.stop()
	l.away.Wait()     // they are in descriptors that will be closed when they are back
	l.dialling.Wait() // their attempts have been cancelled
	l.closeCalls()
	l.giveUpAll()
	l.tellStopped()
	for f := l.nextAfter(); f != nil; f = l.nextAfter() {
		l.begin(nil)
		l.call("AfterShutdown", f, f)
		l.end()
		l.tellStopped() // whom it has made wait
	}
	l.timers = timerQueue{}
	l.publish()
	l.finished.Store(true)
	close(l.gone)
}
