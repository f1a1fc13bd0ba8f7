package deferred_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/deferred"
)

func three[T any]() (a, b, c *deferred.Deferred[T]) {
	return &deferred.Deferred[T]{}, &deferred.Deferred[T]{}, &deferred.Deferred[T]{}
}

// All keeps the order of its arguments, whatever the order of the results.
func TestAllKeepsOrder(t *testing.T) {
	a, b, c := three[int]()
	o := outcomeOf(deferred.All(a, b, c, deferred.Fired(4, nil)))
	c.Fire(3, nil)
	a.Fire(1, nil)
	assert.Zero(t, o.times)
	b.Fire(2, nil)
	assert.Equal(t, &outcome[[]int]{v: []int{1, 2, 3, 4}, times: 1}, o)
	assert.Equal(t, &outcome[[]int]{v: []int{}, times: 1}, outcomeOf(deferred.All[int]()))
}

// The first error ends All: the rest is cancelled, and nothing stays open.
func TestAllFailsAtOnce(t *testing.T) {
	a, b, c := three[*closer]()
	early, late := &closer{}, &closer{}
	o := outcomeOf(deferred.All(a, b, c))
	asked := 0
	c.OnCancel(func() { asked++ })
	a.Fire(early, nil)
	b.Fire(nil, errBad)
	assert.Equal(t, errBad, o.err)
	assert.Equal(t, 1, asked)
	assert.Equal(t, 1, early.closed)
	c.Fire(late, nil)
	assert.Equal(t, 1, late.closed)
	assert.Equal(t, 1, o.times)
}

// An error that is there already ends All while it is made.
func TestAllOfWhatHasFailed(t *testing.T) {
	a, b, _ := three[int]()
	o := outcomeOf(deferred.All(a, deferred.Fired(0, errBad), b))
	assert.Equal(t, &outcome[[]int]{err: errBad, times: 1}, o)
	a.Fire(1, nil)
	b.Fire(1, nil)
	assert.Equal(t, 1, o.times)
}

// All can tell one error. Another is logged, unless it only says that it was cancelled.
func TestAllLosesNoError(t *testing.T) {
	w := newWorld()
	w.do(func() {
		failed := func(err error) *deferred.Deferred[int] {
			d := deferred.New[int](w)
			d.Fire(0, err)
			return d
		}
		a, b := deferred.New[int](w), deferred.New[int](w)
		b.OnCancel(func() { b.Fire(0, errBad) })
		o := outcomeOf(deferred.All(a, failed(errors.New("first")), failed(errors.New("second")), b))
		assert.EqualError(t, o.err, "first")
	})
	assert.Equal(t, 2, w.log.Lines(), w.log)
	assert.Contains(t, w.log.String(), "error=second")
	assert.Contains(t, w.log.String(), "error=bad")
}

func TestAllIsCancelled(t *testing.T) {
	a, b, c := three[int]()
	asked := 0
	for _, d := range []*deferred.Deferred[int]{a, b, c} {
		d.OnCancel(func() { asked++ })
	}
	all := deferred.All(a, b, c)
	all.Cancel()
	assert.ErrorIs(t, outcomeOf(all).err, deferred.ErrCancelled)
	assert.Equal(t, 3, asked)
}

// First takes the first value, cancels the others and closes what they have.
func TestFirstValueWins(t *testing.T) {
	a, b, c := three[*closer]()
	won, lost := &closer{}, &closer{}
	o := outcomeOf(deferred.First(a, b, c))
	b.Fire(nil, errBad)
	assert.Zero(t, o.times)
	c.Fire(won, nil)
	assert.Same(t, won, o.v)
	assert.Zero(t, won.closed)
	a.Fire(lost, nil)
	assert.Equal(t, 1, lost.closed)
	assert.Equal(t, 1, o.times)
}

// If nobody has a value the errors come in the order of the arguments.
func TestFirstOfFailures(t *testing.T) {
	a, b, c := three[int]()
	o := outcomeOf(deferred.First(a, b, c))
	c.Fire(0, errors.New("third"))
	a.Fire(0, errors.New("first"))
	b.Fire(0, errBad)
	assert.EqualError(t, o.err, "first\nbad\nthird")
	assert.ErrorIs(t, o.err, errBad)
	assert.ErrorIs(t, outcomeOf(deferred.First[int]()).err, deferred.ErrNone)

	a, b, c = three[int]()
	d := deferred.First(a, b, c)
	d.Cancel()
	assert.ErrorIs(t, outcomeOf(d).err, deferred.ErrCancelled)
}
