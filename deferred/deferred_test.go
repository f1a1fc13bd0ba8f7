package deferred_test

import (
	"errors"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
)

// What is attached before the result comes and after it hears the same.
func TestAttachedBeforeOrAfter(t *testing.T) {
	var before deferred.Deferred[string]
	n := deferred.Then(&before, strconv.Atoi)
	o := outcomeOf(n)
	assert.Zero(t, o.times)
	before.Fire("7", nil)
	assert.Equal(t, &outcome[int]{v: 7, times: 1}, o)

	o = outcomeOf(deferred.Then(deferred.Fired("7", nil), strconv.Atoi))
	assert.Equal(t, &outcome[int]{v: 7, times: 1}, o)
}

// An error goes past the steps to the next Catch, and a value past that.
func TestErrorsSkipSteps(t *testing.T) {
	never := func(int) (int, error) { t.Error("called"); return 0, nil }
	d := deferred.Then(deferred.Fired(0, errBad), never)
	d = deferred.Chain(d, func(int) *deferred.Deferred[int] { t.Error("called"); return nil })
	d = d.Catch(func(err error) (int, error) { return 5, nil })
	d = d.Catch(func(error) (int, error) { t.Error("called"); return 0, nil })
	d = deferred.Then(d, func(n int) (int, error) { return n + 1, nil })
	assert.Equal(t, &outcome[int]{v: 6, times: 1}, outcomeOf(d))

	d = deferred.Fired(0, errBad).Catch(func(err error) (int, error) { return 0, errors.Join(err, errBad) })
	assert.ErrorIs(t, outcomeOf(d).err, errBad)
}

// Chain waits for the inner Deferred, whether that has fired or not.
func TestChainWaitsForInner(t *testing.T) {
	var outer deferred.Deferred[int]
	inner := map[int]*deferred.Deferred[string]{1: {}, 2: deferred.Fired("two", nil), 3: deferred.Fired("", errBad)}
	for n, want := range map[int]*outcome[string]{1: {v: "one", times: 1}, 2: {v: "two", times: 1}, 3: {err: errBad, times: 1}} {
		outer = deferred.Deferred[int]{}
		o := outcomeOf(deferred.Chain(&outer, func(n int) *deferred.Deferred[string] { return inner[n] }))
		outer.Fire(n, nil)
		if n == 1 {
			assert.Zero(t, o.times)
			inner[1].Fire("one", nil)
		}
		assert.Equal(t, want, o)
	}
}

// What a step attaches runs after the step, never inside it.
func TestStepsAreNotNested(t *testing.T) {
	var head deferred.Deferred[int]
	var steps []string
	var second *deferred.Deferred[int]
	second = deferred.Then(&head, func(n int) (int, error) {
		second.Done(func(int, error) { steps = append(steps, "attached") })
		steps = append(steps, "step")
		return n, nil
	})
	head.Fire(1, nil)
	assert.Equal(t, []string{"step", "attached"}, steps)
}

func TestMisusePanics(t *testing.T) {
	var d deferred.Deferred[int]
	n := deferred.Then(&d, func(n int) (int, error) { return n, nil })
	assert.PanicsWithValue(t, "deferred: attached to twice; go on from the Deferred that the first step returned", func() {
		d.Done(func(int, error) {})
	})
	assert.Panics(t, func() { n.Fire(1, nil) }, "a step fires it")
	d.Fire(1, nil)
	assert.PanicsWithValue(t, "deferred: fired twice; a Deferred has one result", func() { d.Fire(1, nil) })
	assert.Panics(t, func() { n.Fire(1, nil) })
	n.Done(func(n int, err error) { assert.Equal(t, 1, n) })
}

// A step that panics fails its chain, which goes on.
func TestPanicInAStepIsItsError(t *testing.T) {
	w := newWorld()
	w.do(func() {
		d := deferred.New[int](w)
		o := outcomeOf(deferred.Then(d, func(int) (int, error) { panic(errBad) }))
		d.Fire(1, nil)
		var p *protocol.PanicError
		assert.ErrorAs(t, o.err, &p)
		assert.ErrorIs(t, o.err, errBad)
		assert.Contains(t, string(p.Stack), "TestPanicInAStepIsItsError")

		d = deferred.New[int](w)
		nothing := outcomeOf(deferred.Chain(d, func(int) *deferred.Deferred[int] { return nil }))
		d.Fire(1, nil)
		assert.ErrorAs(t, nothing.err, &p)

		d = deferred.New[int](w)
		var self *deferred.Deferred[int]
		self = deferred.Chain(d, func(int) *deferred.Deferred[int] { return self })
		d.Fire(1, nil)
		assert.ErrorAs(t, outcomeOf(self).err, &p)

		d = deferred.New[int](w)
		d.Fire(1, nil)
		assert.ErrorAs(t, outcomeOf(deferred.Chain(d, func(int) *deferred.Deferred[int] { return taken[int]() })).err, &p)
	})
	assert.Equal(t, 4, w.log.Lines())
}

// A panic in Done goes to whoever fires.
func TestPanicInDoneGoesUp(t *testing.T) {
	var d deferred.Deferred[int]
	d.Done(func(int, error) { panic("up") })
	assert.PanicsWithValue(t, "up", func() { d.Fire(1, nil) })
}

// depth is how many frames lie below the caller.
func depth() int {
	return runtime.Callers(0, make([]uintptr, 1000))
}

const many = 100_000

// However long a chain is, its steps run at the same depth.
func TestLongChainsNeedNoStack(t *testing.T) {
	var deepest int
	step := func(n int) (int, error) {
		if n%1000 == 0 || n == many-1 {
			deepest = max(deepest, depth())
		}
		return n + 1, nil
	}
	later := func(n int) *deferred.Deferred[int] { return deferred.Fired(step(n)) }

	t.Run("of steps", func(t *testing.T) {
		var head deferred.Deferred[int]
		d := &head
		for range many / 2 {
			d = deferred.Then(d, step)
			d = deferred.Chain(d, later)
		}
		deepest = 0
		o := outcomeOf(d)
		head.Fire(0, nil)
		assert.Equal(t, many, o.v)
		assert.Less(t, deepest, depth()+20)
	})
	t.Run("of inner ones", func(t *testing.T) {
		var ends []*deferred.Deferred[int]
		var nest func(n int) *deferred.Deferred[int]
		nest = func(n int) *deferred.Deferred[int] {
			d := &deferred.Deferred[int]{}
			ends = append(ends, d)
			if n == many {
				return deferred.Then(d, step)
			}
			return deferred.Chain(d, nest)
		}
		o := outcomeOf(nest(1))
		for i := range many {
			deepest = 0
			ends[i].Fire(i+2, nil)
			require.Less(t, deepest, depth()+20)
		}
		assert.Equal(t, outcome[int]{v: many + 2, times: 1}, *o)
	})
	t.Run("cancelled", func(t *testing.T) {
		var head deferred.Deferred[int]
		d := &head
		for range many {
			d = deferred.Then(d, step)
		}
		head.OnCancel(func() { deepest = depth() })
		o := outcomeOf(d)
		d.Cancel()
		assert.ErrorIs(t, o.err, deferred.ErrCancelled)
		assert.Less(t, deepest, depth()+20)
	})
}

// A step that goes on to itself, as a loop does, needs no more memory with each
// round, and a cancel reaches the round that it is in.
func TestLoopsOfStepsNeedNoMemory(t *testing.T) {
	var wait *deferred.Deferred[int]
	var again func(n int) *deferred.Deferred[int]
	again = func(n int) *deferred.Deferred[int] {
		wait = &deferred.Deferred[int]{}
		return deferred.Chain(wait, again)
	}
	kept := again(0)
	first := deferred.Chain(deferred.Fired(0, nil), func(int) *deferred.Deferred[int] { return kept })
	o := outcomeOf(deferred.Chain(deferred.Fired(0, nil), func(int) *deferred.Deferred[int] { return first }))
	rounds := func() {
		for i := range many {
			wait.Fire(i, nil)
		}
	}
	rounds()
	before := hosttest.Heap()
	rounds()
	assert.Less(t, hosttest.Heap(), before+many) // bytes
	assert.Zero(t, o.times)

	asked := 0
	wait.OnCancel(func() { asked++ })
	kept.Cancel()
	assert.Equal(t, 1, asked)
	assert.Equal(t, &outcome[int]{err: deferred.ErrCancelled, times: 1}, o)
}
