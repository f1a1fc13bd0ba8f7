package clock_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/clock"
)

func Example() {
	var c clock.Fake
	start := c.Now()
	tick := c.AfterFunc(time.Minute, func() { fmt.Println("due after", c.Now().Sub(start)) })
	c.Advance(30 * time.Second)
	tick.Reset(time.Minute) // from now
	c.Advance(time.Hour)
	// Output: due after 1m30s
}

// Timers that are due together run in the order in which they were set.
func TestTiesRunInOrder(t *testing.T) {
	var c clock.Fake
	var got []int
	for i := range 10 {
		c.AfterFunc(time.Second, func() { got = append(got, i) })
	}
	c.Advance(time.Second)
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, got)
	assert.Zero(t, c.Timers())
}

// A call that sets another with no delay does not hold Advance for ever.
func TestZeroDelayRunsInTheNextAdvance(t *testing.T) {
	var c clock.Fake
	n := 0
	var again func()
	again = func() { n++; c.AfterFunc(0, again) }
	c.AfterFunc(0, again)
	c.Advance(0)
	assert.Equal(t, 1, n)
	c.Advance(0)
	assert.Equal(t, 2, n)
}

// A timer moved by another that is due at the same moment is not called early.
func TestMovedTimerIsNotCalledEarly(t *testing.T) {
	var c clock.Fake
	var late clock.Timer
	var at time.Time
	start := c.Now()
	c.AfterFunc(time.Second, func() { late.Reset(time.Minute) })
	late = c.AfterFunc(time.Second, func() { at = c.Now() })
	c.Advance(time.Second)
	assert.True(t, at.IsZero() && at.Equal(time.Time{}))
	c.Advance(time.Hour)
	assert.Equal(t, 61*time.Second, at.Sub(start))
}

// Nor does one that is moved to long ago hold up those that are due, or turn time back.
func TestDelayIntoThePastIsToNow(t *testing.T) {
	var c clock.Fake
	var got []int
	start := c.Now()
	last := c.AfterFunc(time.Hour, func() { got = append(got, 3) })
	c.AfterFunc(time.Second, func() {
		got = append(got, 1)
		assert.True(t, last.(clock.Delayer).Delay(-2*time.Hour))
	})
	c.AfterFunc(time.Second, func() { got = append(got, 2) })
	c.Advance(time.Second)
	assert.Equal(t, []int{1, 2}, got)
	c.Advance(0)
	assert.Equal(t, []int{1, 2, 3}, got)
	assert.Equal(t, time.Second, c.Now().Sub(start))
}

func TestStopAndDelay(t *testing.T) {
	var c clock.Fake
	n := 0
	a := c.AfterFunc(time.Second, func() { n++ })
	assert.True(t, a.(clock.Delayer).Delay(time.Second))
	c.Advance(time.Second)
	assert.Zero(t, n)
	assert.True(t, a.Stop())
	assert.False(t, a.Stop())
	assert.False(t, a.(clock.Delayer).Delay(time.Second))
	assert.False(t, a.Reset(time.Second), "it was not ahead, but is now")
	c.Advance(time.Second)
	assert.Equal(t, 1, n)
}
