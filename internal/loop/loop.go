// Package loop is the engine of every reactor here: turns, connections, timers,
// posted calls, listening, connecting, shutdown. It knows the system below only
// as a [Kernel]; package reactor has the real one, reactortest and protocoltest
// have one in memory, so what a test sees is the code that serves.
//
// # Theory of operation
//
// A turn is one event: a ready socket, a due timer, one posted call. User code
// runs only inside turns. Whatever it asks of a connection is noted there: bytes
// are queued, ends are marked, and the connection joins a list, touched or
// ending. Every turn ends in settle, which takes the lists from the front until
// both are empty: it sends, closes, and tells. What that makes others write or
// lose joins the lists. So no callback is ever called from inside another, and
// there is one place that sends (Conn.send), one that closes and says goodbye
// (Conn.lost).
//
// The connection whose code runs is the owner. Its writes go to the loop's
// scratch buffer, which is sent when the turn ends; only what the kernel did not
// take is copied to a queue of its own, so an idle connection owns no buffer.
// Invariant: if scratch is not empty it belongs to owner, and owner's queue is
// empty.
//
// A turn that touched more than two others (a broadcast) sends nothing: they
// wait for the bell, which the kernel rings after the sockets that are ready
// now, or for 32 turns, and where a stint is too short for all of them the rest
// for 16 more. So a member gets all the lines of one batch of events by one send.
//
// The event of a datagram port is a batch: the kernel gives what has come by one
// call. Each of its datagrams is a turn of its own, but what they have datagram
// ports write is sent by one more turn behind them, again by one call, or whenever
// 64 KiB have been written. A port that pauses or closes within a batch hears no
// more of it: settle comes between any two of its datagrams.
package loop

import (
	"bytes"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocol"
)

const (
	lookEvery   = 32        // turns between two looks at the clock; a power of 2
	patience    = 32        // turns that postponed output waits before its first stint
	impatience  = 16        // turns that it waits once there was no time for all of it
	flushGroup  = 8         // connections that waited are settled together
	fewOthers   = 2         // a turn that touches more postpones its output
	readSize    = 256 << 10 // of the read buffer: bulk costs a third less than with 64 KiB
	scratchSize = 64 << 10  // of the scratch buffer
	directWrite = 16 << 10  // a Write from here on is sent from where it lies
)

// Config tunes a Loop.
type Config struct {
	Logger       *slog.Logger  // slog.Default() if nil
	DrainTimeout time.Duration // 10 s if zero, none if negative
	Workers      int           // goroutines for Work; 4 if zero
	Inline       bool          // Work is done by the loop's own goroutine, between turns: for tests
	Watchdog     time.Duration // how long a callback may run unnoticed; see withDefaults
	Draining     func()        // called on the loop when its ports are about to close
	Crew         *Crew         // the loops that it belongs to; itself alone if nil
}

// A source is what a descriptor stands for. Its event may be one that was meant
// for the descriptor's previous owner.
type source interface{ ready(ev Event) }

// A Loop is one event loop. Everything in it belongs to its goroutine, but for
// what stands under a mutex.
type Loop struct {
	kernel  Kernel
	config  Config
	sources []source // by descriptor
	conns   apart    // connections among them, and those that another loop has handed over

	owner   *Conn // whose code runs
	turning bool  // a turn is in progress
	turns   uint64
	others  int     // connections touched in this turn besides the owner
	touched []*Conn // to be settled, from head on
	head    int
	ending  []*Conn // to be told, from ended on
	ended   int
	leaving *Conn   // who hears of its end, and has not heard ConnectionLost
	waiting []*Conn // touched by broadcasts, to be settled at the bell
	waits   int     // turns that waiting may still wait; 0 if it is empty
	holding bool    // settle postpones nothing: it is sending what had waited
	later   []*Conn // owed ReadResumed, or the next ResumeProducing, in a turn of its own
	behind  bool    // there was no time for all of later: the bell goes on with it

	read    []byte // input, lent to protocols
	scratch []byte // output of the owner
	vec     [64][]byte
	spare   chunks // for queues

	stamp   int64 // Nanos in this turn; 0 if not asked for yet
	began   int64 // of the turn that is measured
	nested  bool  // turns run that look or runLater began: they begin no others
	yielded int64 // when other goroutines were last let in
	timers  timerQueue
	armed   int64 // what the kernel was told; math.MaxInt64 if nothing

	what string // which callback runs, of owner's protocol or else of whom
	whom any
	dog  *watchdog // nil if off

	calls                    // posted calls
	life                     // start and stop
	workers                  // blocking work
	away      sync.WaitGroup // of workers who have a transfer, and are not back
	dialling  sync.WaitGroup // goroutines that connect to a name
	*Crew                    // whom it must not wait for
	datagrams datagrams      // what datagram ports share
	stats     Stats
	published published
	goroutine atomic.Uint64 // that runs the loop; 0 if none does
}

// New returns a loop over k that has not begun to run.
func New(k Kernel, c Config) *Loop {
	l := &Loop{
		kernel:  k,
		config:  c,
		read:    make([]byte, readSize),
		scratch: make([]byte, 0, scratchSize),
		armed:   math.MaxInt64,

		Crew: c.Crew,
	}
	if l.Crew == nil {
		l.Crew = &Crew{}
	}
	l.Crew.loops = append(l.Crew.loops, l)
	l.workers.loop = l
	l.gone = make(chan struct{})
	return l
}

// Logger is where the loop logs.
func (l *Loop) Logger() *slog.Logger {
	if l.config.Logger != nil {
		return l.config.Logger
	}
	return slog.Default()
}

// Event is for the kernel's driver: it runs the turn of a descriptor that may be
// ready. Events of descriptors that nobody has are forgotten.
func (l *Loop) Event(fd int, ev Event) {
	if uint(fd) < uint(len(l.sources)) && l.sources[fd] != nil {
		l.sources[fd].ready(ev)
	}
}

func (l *Loop) setSource(fd int, s source) {
	for fd >= len(l.sources) {
		l.sources = append(l.sources, make([]source, max(64, len(l.sources)))...)
	}
	l.sources[fd] = s
}

// begin begins a turn of c, or of nobody.
func (l *Loop) begin(c *Conn) {
	l.turning, l.owner, l.others, l.stamp = true, c, 0, 0
	if l.turns++; l.turns%lookEvery == 0 {
		l.began = l.now()
	}
}

// end ends it: after settle everything that was asked for has happened.
func (l *Loop) end() {
	l.settle()
	l.turning, l.owner = false, nil
	if l.turns%lookEvery == 0 {
		l.look()
	}
	if l.waits != 0 {
		if l.waits--; l.waits == 0 {
			l.flushWaiting()
		}
	}
	if len(l.later) > 0 {
		l.runLater()
	}
}

// settle drains the lists of ending and touched connections, the former first.
func (l *Loop) settle() {
	for {
		switch {
		case l.ended < len(l.ending):
			c := l.ending[l.ended]
			l.ending[l.ended] = nil
			l.ended++
			c.lost()
		case l.head == len(l.touched):
			l.touched, l.head = emptied(l.touched), 0
			l.ending, l.ended = emptied(l.ending), 0
			if len(l.datagrams.touched) == 0 || !l.settleDatagrams() {
				return
			}
		case l.others > fewOthers && !l.holding:
			l.postpone()
		default:
			c := l.touched[l.head]
			l.touched[l.head] = nil
			l.head++
			if c.list == onTouched {
				c.settle()
			}
		}
	}
}

// emptied is a list whose elements have been taken, without its memory if that is much.
func emptied[T any](list []T) []T {
	if cap(list) > 4096 {
		return nil
	}
	return list[:0]
}

// postpone moves the touched connections to those that wait for the bell.
func (l *Loop) postpone() {
	if len(l.scratch) > 0 {
		l.owner.spill()
	}
	if len(l.waiting) == 0 {
		l.waits = patience
		l.ring()
	}
	for _, c := range l.touched[l.head:] {
		if c.list == onTouched {
			c.list = onWaiting
			l.waiting = append(l.waiting, c)
		}
	}
	clear(l.touched)
	l.touched, l.head, l.others = emptied(l.touched), 0, 0
}

// flushWaiting settles the connections that wait for the bell, in one turn. Those for
// whom there is no time wait for the next.
func (l *Loop) flushWaiting() {
	l.waits = 0
	if len(l.waiting) == 0 {
		return
	}
	l.begin(nil)
	l.holding = true
	n := 0
	for s := l.newStint(len(l.waiting), flushLength); n < len(l.waiting) && !s.over(); {
		next := min(n+flushGroup, len(l.waiting))
		for _, c := range l.waiting[n:next] {
			if c.list == onWaiting {
				c.list = onTouched
				l.touched = append(l.touched, c)
			}
		}
		n = next
		l.settle()
	}
	l.waiting = slices.Delete(l.waiting, 0, n)
	if len(l.waiting) > 0 {
		l.waits = impatience
		l.ring()
	} else {
		l.waiting = emptied(l.waiting)
	}
	l.holding = false
	l.end()
}

// runLater runs the turns owed to connections when the turn before asked for
// them. What these ask for in turn waits for the bell, so that a connection that
// always asks holds up nobody.
func (l *Loop) runLater() {
	if l.nested || l.behind {
		return // whoever began this turn comes here afterwards, or the bell does
	}
	due := l.later
	l.later = nil
	l.nested = true
	n := 0
	for s := l.newStint(len(due), stintLength); n < len(due) && !s.over(); n++ {
		due[n].runOwed()
	}
	l.nested = false
	if l.behind = n < len(due); l.behind {
		l.later = append(due[n:], l.later...)
	}
	if len(l.later) > 0 {
		l.ring()
	}
}

// look reads the clock: for the longest turn, for due timers, and to let other
// goroutines run.
func (l *Loop) look() {
	now := l.kernel.Nanos()
	l.stats.LongestTurn = max(l.stats.LongestTurn, time.Duration(now-l.began))
	if len(l.loops) > 1 {
		l.publish()
	}
	if l.nested {
		return // in the midst of a run
	}
	if l.timers.first() <= now {
		l.runDue(now)
	}
	l.yield(now)
}

// now is the monotonic time, read at most once in a turn.
func (l *Loop) now() int64 {
	if l.stamp == 0 {
		l.stamp = l.kernel.Nanos()
	}
	return l.stamp
}

// Now returns the current time.
func (l *Loop) Now() time.Time { return l.kernel.Now() }

// AfterFunc sets a timer that belongs to no connection.
func (l *Loop) AfterFunc(d time.Duration, f func()) clock.Timer {
	l.check()
	if l.finished.Load() {
		return &timer{loop: l, f: f} // the kernel's timer is gone
	}
	return l.setTimer(nil, d, f)
}

// check panics when the caller is not on the loop, as far as it can be seen.
func (l *Loop) check() {
	if debug && !l.OnLoop() || !l.turning {
		l.misused()
	}
}

func (l *Loop) misused() {
	if l.finished.Load() {
		return // all connections have ended: their methods do nothing
	}
	panic("torsion: a Transport or a Loop's clock was used outside the loop's events; elsewhere (another goroutine, before Run, a test) use Loop.Call, protocol.Ask or a protocol.Remote")
}

// OnLoop reports whether the caller runs on the loop.
func (l *Loop) OnLoop() bool { return l.goroutine.Load() == goroutineID() }

// Enter and Leave say on which goroutine the loop runs.
func (l *Loop) Enter() { l.goroutine.Store(goroutineID()) }

// Leave ends Enter.
func (l *Loop) Leave() { l.goroutine.Store(0) }

// HandTo makes a goroutine count as the one that runs the loop, the caller's if
// it is 0, and returns the one that counted before. A coroutine stands in for
// the loop's own goroutine while it is resumed.
func (l *Loop) HandTo(goroutine uint64) (before uint64) {
	if goroutine == 0 {
		goroutine = goroutineID()
	}
	return l.goroutine.Swap(goroutine)
}

// goroutineID reads the number from the head of a stack trace, the only place
// where the runtime tells it.
func goroutineID() uint64 {
	var buf [64]byte
	line := buf[:runtime.Stack(buf[:], false)]
	line = bytes.TrimPrefix(line, []byte("goroutine "))
	if i := bytes.IndexByte(line, ' '); i > 0 {
		line = line[:i]
	}
	id, _ := strconv.ParseUint(string(line), 10, 64)
	return id
}

var (
	_ protocol.Loop   = (*Loop)(nil)
	_ protocol.Worker = (*Loop)(nil)
)
