package loop

import (
	"math"
	"time"

	"github.com/torsion-go/torsion/clock"
)

// A timer is one call in the future, and a clock.Timer. Moving it to a later
// moment, as an idle timeout does with every message, only stores that moment:
// its place in the queue is corrected when the old moment comes.
type timer struct {
	loop *Loop
	conn *Conn // whose timer it is; nil: the loop's own
	f    func()
	at   int64  // when it is due
	seq  uint64 // the order among those that are due together

	// Its place, if it is ahead: in a bucket of the wheel, or in the heap (bucket 0),
	// counted from 1.
	slot   int32
	bucket int16

	next, prev *timer // the other timers of conn that are ahead
}

// setTimer sets a timer of c, or of the loop.
func (l *Loop) setTimer(c *Conn, d time.Duration, f func()) *timer {
	t := &timer{loop: l, conn: c, f: f}
	now := l.kernel.Nanos() // read afresh: a long callback makes no timer early
	l.timers.wheel.turn(now)
	t.set(after(now, d))
	return t
}

// after is now + d, or the end of time.
func after(now int64, d time.Duration) int64 {
	if d <= 0 {
		return now
	}
	if at := now + int64(d); at > now {
		return at
	}
	return math.MaxInt64
}

func (t *timer) set(at int64) {
	l := t.loop
	t.at, t.seq = at, l.timers.nextSeq()
	l.timers.push(t)
	if c := t.conn; c != nil {
		t.next = c.timers
		if t.next != nil {
			t.next.prev = t
		}
		c.timers = t
	}
	l.arm()
}

// unlink takes t, which is no longer ahead, from its connection's list.
func (t *timer) unlink() {
	c := t.conn
	if c == nil {
		return
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		c.timers = t.next
	}
	t.next, t.prev = nil, nil
}

// Stop cancels the call and reports whether it was ahead.
func (t *timer) Stop() bool {
	t.loop.check()
	if t.slot == 0 || t.loop.finished.Load() {
		return false
	}
	t.loop.timers.remove(t)
	t.unlink()
	return true
}

// Reset moves the call to d from now. Several in one turn count from the same now.
func (t *timer) Reset(d time.Duration) bool {
	t.loop.check()
	if t.loop.finished.Load() {
		return false
	}
	return t.move(after(t.loop.now(), d))
}

// Delay moves the call by d from when it was due, but not to before now: there, moved last
// and due first, it would hold up all that are due.
func (t *timer) Delay(d time.Duration) bool {
	t.loop.check()
	if t.slot == 0 || t.loop.finished.Load() {
		return false
	}
	at := after(t.at, d)
	if d < 0 {
		at = t.at + int64(d) // t.at is above 0
	}
	return t.move(max(at, t.loop.now()))
}

func (t *timer) move(at int64) bool {
	switch {
	case t.slot == 0 && t.conn != nil && t.conn.noRead&ended != 0:
		return false
	case t.slot == 0:
		t.set(at)
		return false
	case at >= t.loop.timers.place(t):
		t.at, t.seq = at, t.loop.timers.nextSeq()
	default:
		t.loop.timers.remove(t)
		t.at, t.seq = at, t.loop.timers.nextSeq()
		t.loop.timers.push(t)
		t.loop.arm()
	}
	return true
}

// arm tells the kernel of the earliest moment if that has become nearer.
func (l *Loop) arm() {
	if at := l.timers.first(); at < l.armed {
		l.armed = at
		l.kernel.Arm(at)
	}
}

// Due is for the kernel's driver: the armed moment has come, perhaps.
func (l *Loop) Due() {
	if l.nested {
		return
	}
	l.armed = math.MaxInt64
	l.runDue(l.kernel.Nanos())
	if len(l.later) > 0 {
		l.runLater()
	}
}

// runDue runs what is due, each in a turn of its own. What is set or moved
// meanwhile waits for the next poll, so that a timer that always sets another
// with no delay holds up nobody; and so does what there is no time for.
func (l *Loop) runDue(now int64) {
	l.nested = true
	l.timers.wheel.turn(now)
	s := stint{loop: l, start: now, most: stintLength}
	for last := l.timers.seq; l.timers.ready(now, last) && !s.over(); {
		t := l.timers.pop()
		if t == nil {
			continue
		}
		t.unlink()
		l.begin(t.conn)
		t.run()
		l.end()
	}
	l.nested = false
	l.arm()
}

func (t *timer) run() {
	l := t.loop
	prev := l.enter(t.conn, "AfterFunc", t.f)
	defer l.leave(t.conn, prev)
	t.f()
}

// stopTimers forgets the timers of a connection that ends.
func (c *Conn) stopTimers() {
	for t := c.timers; t != nil; {
		next := t.next
		c.loop.timers.remove(t)
		t.next, t.prev = nil, nil
		t = next
	}
	c.timers = nil
}

var _ clock.Delayer = (*timer)(nil)
