package loop

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A Crew is loops that work together, those of a pool. They share the uses of their
// factories. None ever waits for another: two that waited for each other would do so
// for ever.
type Crew struct {
	Factories
	loops []*Loop // complete before any of them runs
}

// apart is a number that the others of the crew read, at every accept: in a cache line
// of its own, as its neighbours change with every turn.
type apart struct {
	_ [64]byte
	atomic.Int64
	_ [56]byte
}

// MayWait reports whether the caller may wait for the loop: he is on none of its crew.
// It takes microseconds.
func (l *Loop) MayWait() bool {
	if l.finished.Load() {
		return true // nothing there waits, or is waited for
	}
	caller := goroutineID()
	return !slices.ContainsFunc(l.loops, func(o *Loop) bool { return o.goroutine.Load() == caller })
}

// published are the figures that a loop tells its crew, now and then.
type published struct {
	mu    sync.Mutex
	stats Stats
	asked bool // somebody has posted a publish
}

// publish is for a turn in which somebody has asked, and for every look at the clock.
func (l *Loop) publish() {
	p := &l.published
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats, p.asked = l.own(), false
}

// Published are the figures for the others of the crew: those counted by the loop alone
// are some turns old. Whoever asks again soon gets what they are now.
func (l *Loop) Published() Stats {
	p := &l.published
	p.mu.Lock()
	s, asked := p.stats, p.asked
	p.asked = true
	p.mu.Unlock()
	s = l.withShared(s)
	if !asked {
		_ = l.Call(l.publish) // a loop that has ended has published its last
	}
	return s
}
