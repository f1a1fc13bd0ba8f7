package deferred_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/deferred"
)

// Cancel ends the innermost wait, and the function decides what comes of it.
func TestCoroutineIsCancelled(t *testing.T) {
	w := newWorld()
	asked, tidied := 0, false
	inner := deferred.New[int](w)
	inner.OnCancel(func() { asked++ })
	w.do(func() {
		d := deferred.Run(w, func(c *deferred.Coroutine) error {
			defer func() { tidied = true }()
			_, err := deferred.Wait(c, inner.Catch(func(err error) (int, error) { return 0, errors.Join(err, errBad) }))
			assert.ErrorIs(t, err, deferred.ErrCancelled)
			return errBad
		})
		o := outcomeOf(d)
		d.Cancel()
		assert.Equal(t, &outcome[struct{}]{err: errBad, times: 1}, o)
	})
	assert.Equal(t, 1, asked)
	assert.True(t, tidied)
}

// A cancel goes through coroutines, gatherings, time limits and steps to whatever
// they all wait for in the end.
func TestCancelGoesThroughEverything(t *testing.T) {
	w := newWorld()
	asked := 0
	w.do(func() {
		inmost := deferred.New[int](w)
		inmost.OnCancel(func() { asked++ })
		inner := deferred.Run(w, func(c *deferred.Coroutine) error {
			steps := deferred.Then(inmost, increment).Timeout(w, time.Hour).Catch(func(err error) (int, error) { return 0, err })
			_, err := deferred.Wait(c, deferred.All(deferred.First(steps), deferred.New[int](w)))
			return err
		})
		outer := deferred.Run(w, func(c *deferred.Coroutine) error {
			_, err := deferred.Wait(c, inner)
			return err
		})
		o := outcomeOf(deferred.Chain(deferred.Fired(0, nil), func(int) *deferred.Deferred[struct{}] { return outer }))
		outer.Cancel()
		assert.ErrorIs(t, o.err, deferred.ErrCancelled)
		assert.Equal(t, 1, o.times)
	})
	assert.Equal(t, 1, asked)
	assert.Empty(t, w.log.String())
}

// One that does not listen is ended at its next wait, by force.
func TestCoroutineEndsWhatever(t *testing.T) {
	w := newWorld()
	tidied, rounds := false, 0
	w.do(func() {
		d := deferred.Run(w, func(c *deferred.Coroutine) error {
			defer func() { tidied = true }()
			for {
				rounds++
				_ = c.Sleep(time.Second)
			}
		})
		o := outcomeOf(d)
		d.Cancel()
		assert.ErrorIs(t, o.err, deferred.ErrCancelled)
	})
	assert.True(t, tidied)
	assert.Equal(t, 2, rounds)
	assert.Empty(t, w.log.String())
}

// It leaves behind what does not let itself be cancelled, and closes its result.
func TestCoroutineLeavesTheStubborn(t *testing.T) {
	w := newWorld()
	late := deferred.New[*closer](w)
	w.do(func() {
		d := deferred.Run(w, func(c *deferred.Coroutine) error {
			stubborn := deferred.New[*closer](w).Catch(func(error) (*closer, error) { return nil, nil })
			_, err := deferred.Wait(c, deferred.Chain(stubborn, func(*closer) *deferred.Deferred[*closer] { return late }))
			return err
		})
		o := outcomeOf(d)
		d.Cancel()
		assert.Equal(t, deferred.ErrCancelled, o.err)
		c := &closer{}
		late.Fire(c, nil)
		assert.Equal(t, 1, c.closed)
	})
}

// One that cancels itself hears of it at its next wait, and ends before its
// Deferred fires.
func TestCoroutineCancelsItself(t *testing.T) {
	w := newWorld()
	first := deferred.New[int](w)
	abandoned, opened := deferred.New[*closer](w), &closer{}
	w.do(func() {
		var d *deferred.Deferred[struct{}]
		var o *outcome[struct{}]
		d = deferred.Run(w, func(c *deferred.Coroutine) error {
			_, err := deferred.Wait(c, first)
			assert.NoError(t, err)
			d.Cancel()
			d.Cancel()
			assert.Zero(t, o.times)
			_, err = deferred.Wait(c, abandoned)
			assert.ErrorIs(t, err, deferred.ErrCancelled)
			return nil
		})
		o = outcomeOf(d)
		first.Fire(1, nil)
		assert.Equal(t, &outcome[struct{}]{times: 1}, o)
		abandoned.Fire(opened, nil)
		assert.Equal(t, 1, opened.closed)
	})
}

// What it would wait for when it has been cancelled is closed, also if it is there.
func TestCancelledCoroutineTakesNothing(t *testing.T) {
	w := newWorld()
	opened := &closer{}
	w.do(func() {
		var d *deferred.Deferred[struct{}]
		d = deferred.Run(w, func(c *deferred.Coroutine) error {
			assert.NoError(t, c.Sleep(time.Second))
			d.Cancel()
			v, err := deferred.Wait(c, deferred.Fired(opened, nil))
			assert.Nil(t, v)
			return err
		})
	})
	w.Advance(time.Second)
	assert.Equal(t, 1, opened.closed)
}

// Cancelled in the moment between a result and its hearing of it, it ends once.
func TestCoroutineCancelledMeanwhile(t *testing.T) {
	w := newWorld()
	w.do(func() {
		a, b := deferred.New[int](w), deferred.New[int](w)
		d := deferred.Run(w, func(c *deferred.Coroutine) error {
			_, err := deferred.Wait(c, deferred.All(a, b))
			return err
		})
		b.OnCancel(func() { d.Cancel() })
		o := outcomeOf(d)
		a.Fire(0, errBad)
		assert.ErrorIs(t, o.err, deferred.ErrCancelled)
		assert.Equal(t, 1, o.times)
	})
}
