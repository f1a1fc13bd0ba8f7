package reactortest

import (
	"math"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/clock"
)

var timers = []law{
	{"TimersRunInOrderAndNotEarly", timersInOrder},
	{"TiesRunFirstInFirstOut", timerTies},
	{"StoppedTimersDoNotRun", timersStop},
	{"TimerStopsOneThatIsDueToo", timerStopsOther},
	{"ResetAndDelayMoveATimer", timersMove},
	{"DelayIntoThePastIsToNow", delayIntoThePast},
	{"ZeroDelayIsNeverInside", zeroDelay},
	{"TenYearsBreakNothing", tenYears},
	{"TimerMayStopTheReactor", timerStopsReactor},
	{"TimersDieWithTheirConnection", timersDie},
}

// Timers run in the order of their moments, none before its own.
func timersInOrder(w *world) {
	w.start()
	var got []int
	done := make(chan struct{})
	w.on(func() {
		began := w.Now()
		for _, ms := range []int{30, 10, 20, 1, 15} {
			w.AfterFunc(time.Duration(ms)*time.Millisecond, func() {
				got = append(got, ms)
				assert.GreaterOrEqual(w, w.Now().Sub(began), time.Duration(ms)*time.Millisecond)
				if ms == 30 {
					close(done)
				}
			})
		}
	})
	wait(w, done)
	assert.Equal(w, []int{1, 10, 15, 20, 30}, got)
}

// Timers of no delay run in the order in which they were set.
func timerTies(w *world) {
	w.start()
	var got []int
	done := make(chan struct{})
	w.on(func() {
		for i := range 100 {
			w.AfterFunc(0, func() {
				if got = append(got, i); i == 99 {
					close(done)
				}
			})
		}
	})
	wait(w, done)
	for i, v := range got {
		assert.Equal(w, i, v)
	}
}

// A stopped timer does not run; a second Stop, and one after it has run, are false.
func timersStop(w *world) {
	w.start()
	var ran clock.Timer
	w.on(func() {
		t := w.AfterFunc(time.Millisecond, func() { w.Error("it was stopped") })
		assert.True(w, t.Stop())
		assert.False(w, t.Stop())
		ran = w.AfterFunc(0, func() {})
	})
	w.pass(5 * time.Millisecond)
	w.on(func() { assert.False(w, ran.Stop()) })
}

// A timer may stop another that is due at the same moment.
func timerStopsOther(w *world) {
	w.start()
	w.on(func() {
		var other clock.Timer
		w.AfterFunc(0, func() { assert.True(w, other.Stop()) })
		other = w.AfterFunc(0, func() { w.Error("it was stopped") })
	})
	w.pass(5 * time.Millisecond)
}

// A timer can be moved later, nearer, and set again after it has run.
func timersMove(w *world) {
	w.start()
	ran := make(chan time.Time, 2)
	var t clock.Timer
	var began time.Time
	w.on(func() {
		began = w.Now()
		t = w.AfterFunc(time.Hour, func() { ran <- w.Now() })
		assert.True(w, t.Reset(2*time.Hour))
		assert.True(w, t.(clock.Delayer).Delay(-2*time.Hour+10*time.Millisecond))
		assert.True(w, t.(clock.Delayer).Delay(10*time.Millisecond))
	})
	assert.GreaterOrEqual(w, wait(w, ran).Sub(began), 19*time.Millisecond)
	w.on(func() { assert.False(w, t.Reset(0)) })
	wait(w, ran)
}

// A timer that is moved to long ago runs soon, behind those that are due.
func delayIntoThePast(w *world) {
	w.start()
	done := make(chan struct{})
	var got []int
	w.on(func() {
		last := w.AfterFunc(time.Hour, func() { got = append(got, 3); close(done) })
		w.AfterFunc(0, func() {
			got = append(got, 1)
			assert.True(w, last.(clock.Delayer).Delay(math.MinInt64))
			assert.True(w, last.(clock.Delayer).Delay(math.MinInt64))
		})
		w.AfterFunc(0, func() { got = append(got, 2) })
	})
	wait(w, done)
	assert.Equal(w, []int{1, 2, 3}, got)
}

// A timer of no delay, or less, runs in a later turn.
func zeroDelay(w *world) {
	w.start()
	done := make(chan struct{}, 2)
	w.on(func() {
		inside := true
		for _, d := range []time.Duration{0, -time.Hour} {
			w.AfterFunc(d, func() { assert.False(w, inside); done <- struct{}{} })
		}
		inside = false
	})
	wait(w, done)
	wait(w, done)
}

// A timer far away neither runs nor disturbs those that are near.
func tenYears(w *world) {
	w.start()
	w.on(func() {
		for _, d := range []time.Duration{10 * 365 * 24 * time.Hour, 1<<63 - 1} {
			w.AfterFunc(d, func() { w.Error("it ran") })
		}
	})
	w.pass(time.Millisecond)
}

// A timer is a place to stop from, and does not keep the reactor alive.
func timerStopsReactor(w *world) {
	w.start()
	w.on(func() {
		w.AfterFunc(time.Hour, func() {})
		w.AfterFunc(0, w.Stop)
	})
	w.end()
}

// The timers of a connection do not run after its end, and cannot be set again;
// a loop's can.
func timersDie(w *world) {
	w.start()
	p := w.probe()
	var t clock.Timer
	loops := make(chan struct{})
	p.onLost = func(error) { assert.False(w, t.Stop()); assert.False(w, t.Reset(0)) }
	w.pair(p, w.probe())
	w.on(func() {
		t = p.AfterFunc(time.Millisecond, func() { w.Error("the connection has ended") })
		p.Loop().AfterFunc(time.Millisecond, func() { close(loops) })
		p.Abort()
	})
	p.end()
	wait(w, loops)
	w.pass(5 * time.Millisecond)
}
