package clock

import (
	"math"
	"slices"
	"time"
)

// Fake is a Clock that moves only when a test calls Advance. Its zero value is
// ready and stands at the zero Time. It is not safe for several goroutines.
type Fake struct {
	now    time.Time
	seq    uint64       // counts the timers set
	timers []*fakeTimer // by due time, those that are due together in the order they were set
}

// Now returns the time to which the clock was advanced.
func (c *Fake) Now() time.Time { return c.now }

// AfterFunc arranges that Advance calls f when the clock reaches d from now.
func (c *Fake) AfterFunc(d time.Duration, f func()) Timer {
	t := &fakeTimer{clock: c, f: f}
	t.set(c.now.Add(max(d, 0)))
	return t
}

// Advance moves the clock forward by d and calls, in order, what comes due on
// the way; during each call Now is the time it was due. What is set with no
// delay by a call at the very end is left for the next Advance.
func (c *Fake) Advance(d time.Duration) {
	end, last := c.now.Add(d), uint64(math.MaxUint64)
	for len(c.timers) > 0 && !c.timers[0].at.After(end) && c.timers[0].seq <= last {
		t := c.timers[0]
		if c.now = t.at; c.now.Equal(end) && last > c.seq {
			last = c.seq
		}
		t.Stop()
		t.f()
	}
	c.now = end
}

// Timers returns how many calls are ahead, so that a test can see that none leaked.
func (c *Fake) Timers() int { return len(c.timers) }

type fakeTimer struct {
	clock *Fake
	f     func()
	at    time.Time
	seq   uint64
}

func (t *fakeTimer) set(at time.Time) {
	c := t.clock
	c.seq++
	t.at, t.seq = at, c.seq
	i := len(c.timers)
	for i > 0 && c.timers[i-1].at.After(at) {
		i--
	}
	c.timers = slices.Insert(c.timers, i, t)
}

func (t *fakeTimer) Stop() bool {
	i := slices.Index(t.clock.timers, t)
	if i >= 0 {
		t.clock.timers = slices.Delete(t.clock.timers, i, i+1)
	}
	return i >= 0
}

func (t *fakeTimer) Reset(d time.Duration) bool {
	was := t.Stop()
	t.set(t.clock.now.Add(max(d, 0)))
	return was
}

func (t *fakeTimer) Delay(d time.Duration) bool {
	if !t.Stop() {
		return false
	}
	at := t.at.Add(d)
	if now := t.clock.now; at.Before(now) {
		at = now
	}
	t.set(at)
	return true
}
