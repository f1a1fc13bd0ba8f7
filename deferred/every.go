package deferred

import (
	"fmt"
	"time"

	"github.com/torsion-go/torsion/clock"
)

// Every calls f at each multiple of period from now on, the first time when one
// period has passed. The grid does not drift: if the loop was busy, or f took
// long, the calls that were missed are skipped, not bunched, and the next comes
// at the next multiple. ticks is how many multiples have passed since the last
// call: 1, and one more for each that was skipped.
//
// If f returns a Deferred the next call waits for it, and for the next multiple
// then; its error ends Every, and is the error of the Deferred that Every
// returned. nil is as good as one that has fired. Cancel, also from inside f,
// ends it, and so does the end of the connection or loop whose clock c is. A
// panic in f is its error, and aborts the connection if c is one. A period of
// zero or less panics.
func Every(c clock.Clock, period time.Duration, f func(ticks int) *Deferred[struct{}]) *Deferred[struct{}] {
	if period <= 0 {
		panic("deferred: Every needs a period above zero")
	}
	g := &grid{clock: c, period: period, start: c.Now(), f: f}
	g.result = New[struct{}](loopOf(c))
	g.result.cancel = func() bool { return g.cancel(ErrCancelled) }
	g.forget = whenEnded(c, func(reason error) { g.cancel(fmt.Errorf("%w: %w", ErrCancelled, reason)) })
	g.arm()
	return g.result
}

// A grid is one Every.
type grid struct {
	clock  clock.Clock
	period time.Duration
	start  time.Time
	last   int64 // the multiple at which f was called last
	f      func(ticks int) *Deferred[struct{}]
	timer  clock.Timer // nil while f or its Deferred runs
	waits  *Deferred[struct{}]
	result *Deferred[struct{}]
	forget func()
}

// arm sets the timer to the first multiple that is still ahead.
func (g *grid) arm() {
	passed := g.clock.Now().Sub(g.start)
	g.timer = g.clock.AfterFunc(g.period-passed%g.period, g.tick)
}

func (g *grid) tick() {
	g.timer = nil
	now := int64(g.clock.Now().Sub(g.start) / g.period)
	ticks := int(now - g.last)
	if ticks <= 0 { // the timer was early by less than the clock shows
		g.arm()
		return
	}
	g.last = now
	d, err := g.call(ticks)
	switch {
	case g.result.isFired():
		if d != nil {
			d.abandon()
		}
	case err != nil:
		g.end(err)
	case d == nil:
		g.arm()
	default:
		g.waits = d
		d.Done(g.went)
	}
}

// call calls f. A panic is its error.
func (g *grid) call(ticks int) (d *Deferred[struct{}], err error) {
	defer func() {
		if p := recover(); p != nil {
			d, err = nil, contain(g.result.loop, "a function of Every", p)
			abort(g.clock, err)
		}
	}()
	if d = g.f(ticks); d != nil && d.state&attached != 0 {
		panic("deferred: the function of Every must return a Deferred to which nothing is attached")
	}
	return d, nil
}

// went is told what became of the Deferred that f returned.
func (g *grid) went(_ struct{}, err error) {
	g.waits = nil
	switch {
	case g.result.isFired():
	case err != nil:
		g.end(err)
	default:
		g.arm()
	}
}

func (g *grid) end(err error) {
	g.forget()
	g.result.Fire(struct{}{}, err)
}

// cancel ends it, and what the last call has begun.
func (g *grid) cancel(cause error) (later bool) {
	if g.result.isFired() {
		return false
	}
	if g.timer != nil {
		g.timer.Stop()
	}
	waits := g.waits
	g.end(cause)
	if waits != nil {
		waits.Cancel()
	}
	return false
}
