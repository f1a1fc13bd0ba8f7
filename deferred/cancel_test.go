package deferred_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/internal/hosttest"
)

// Cancel reaches the innermost wait and comes back as an error.
func TestCancelReachesTheInnermostWait(t *testing.T) {
	var head, inner, inmost deferred.Deferred[int]
	asked := 0
	d := deferred.Chain(&head, func(int) *deferred.Deferred[int] {
		return deferred.Chain(&inner, func(int) *deferred.Deferred[int] { return &inmost })
	})
	d = deferred.Then(d, func(int) (int, error) { t.Error("called"); return 0, nil })
	o := outcomeOf(d)
	inmost.OnCancel(func() { asked++ })
	head.Fire(0, nil)
	inner.Fire(0, nil)
	d.Cancel()
	assert.Equal(t, 1, asked)
	assert.ErrorIs(t, o.err, deferred.ErrCancelled)
	assert.ErrorIs(t, o.err, context.Canceled)
	d.Cancel()
	assert.Equal(t, 1, o.times)
}

// Who does not know of the cancel may fire once more, and that result is closed.
func TestOneFireAfterCancelIsDropped(t *testing.T) {
	var d deferred.Deferred[*closer]
	o := outcomeOf(&d)
	d.Cancel()
	assert.ErrorIs(t, o.err, deferred.ErrCancelled)
	c := &closer{}
	d.Fire(c, nil)
	assert.Equal(t, 1, c.closed)
	assert.Equal(t, 1, o.times)
	assert.Panics(t, func() { d.Fire(c, nil) })
}

// OnCancel may decide the result, and a Catch may.
func TestCancelMayBeAnswered(t *testing.T) {
	var d deferred.Deferred[int]
	d.OnCancel(func() { d.Fire(3, nil) })
	o := outcomeOf(&d)
	d.Cancel()
	assert.Equal(t, &outcome[int]{v: 3, times: 1}, o)
	assert.Panics(t, func() { d.Fire(4, nil) }, "it has been fired by who knew")

	var e deferred.Deferred[int]
	c := e.Catch(func(error) (int, error) { return 4, nil })
	c.Cancel()
	assert.Equal(t, &outcome[int]{v: 4, times: 1}, outcomeOf(c))
}

// What a result that nobody gets does when it is closed, or a maker when it is
// cancelled, keeps nobody from hearing of his own.
func TestPanicsStopNoCancel(t *testing.T) {
	logged := &hosttest.Log{}
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, nil)))
	a, b, c := three[*mine]()
	o := outcomeOf(deferred.All(a, b, c))
	asked := 0
	b.OnCancel(func() { panic("b") })
	c.OnCancel(func() { asked++; c.Fire(&mine{}, nil) })
	a.Fire(&mine{}, nil)
	b.Fire(nil, errBad)
	assert.Equal(t, &outcome[[]*mine]{err: errBad, times: 1}, o)
	assert.Equal(t, 1, asked)

	a, b, c = three[*mine]()
	a.OnCancel(func() { panic("a") })
	b.OnCancel(func() { asked++ })
	first := outcomeOf(deferred.First(a, b, c))
	c.Fire(nil, nil)
	assert.Equal(t, &outcome[*mine]{times: 1}, first)
	assert.Equal(t, 2, asked)
	assert.Equal(t, 3, logged.Lines())
	assert.Contains(t, logged.String(), "panic in an OnCancel function")
	assert.Contains(t, logged.String(), "panic in the Close of a result")
}

// A mine explodes when it is closed.
type mine struct{}

func (*mine) Close() error { panic("mine") }

// A cancel from inside a step is for what the step returns.
func TestCancelInsideAStep(t *testing.T) {
	var head, inner deferred.Deferred[int]
	var d *deferred.Deferred[int]
	d = deferred.Chain(&head, func(int) *deferred.Deferred[int] {
		d.Cancel()
		return &inner
	})
	o := outcomeOf(d)
	head.Fire(0, nil)
	assert.ErrorIs(t, o.err, deferred.ErrCancelled)
}

// The same for a step of an inner chain, whose result somebody else waits for.
func TestCancelInsideAnInnerStep(t *testing.T) {
	var head, inner, inmost deferred.Deferred[int]
	var d *deferred.Deferred[int]
	d = deferred.Chain(&head, func(int) *deferred.Deferred[int] {
		return deferred.Chain(&inner, func(int) *deferred.Deferred[int] {
			d.Cancel()
			return &inmost
		})
	})
	o := outcomeOf(d)
	head.Fire(0, nil)
	inner.Fire(0, nil)
	assert.Equal(t, &outcome[int]{err: deferred.ErrCancelled, times: 1}, o)
}

// Cancel of what has fired does nothing.
func TestCancelTooLate(t *testing.T) {
	d := deferred.Fired(1, nil)
	d.Cancel()
	assert.Equal(t, &outcome[int]{v: 1, times: 1}, outcomeOf(d))
	d.OnCancel(func() { t.Error("called") })
	d.Cancel()
}

func TestTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(d *deferred.Deferred[int])
		wait    time.Duration
		want    outcome[int]
	}{
		"in time":       {func(d *deferred.Deferred[int]) { d.Fire(1, nil) }, 0, outcome[int]{v: 1, times: 1}},
		"before":        {func(*deferred.Deferred[int]) {}, time.Second - 1, outcome[int]{}},
		"late":          {func(*deferred.Deferred[int]) {}, time.Second, outcome[int]{err: deferred.ErrTimeout, times: 1}},
		"failed":        {func(d *deferred.Deferred[int]) { d.Fire(0, errBad) }, time.Second, outcome[int]{err: errBad, times: 1}},
		"own value":     {func(d *deferred.Deferred[int]) { d.OnCancel(func() { d.Fire(2, nil) }) }, time.Second, outcome[int]{v: 2, times: 1}},
		"own error":     {func(d *deferred.Deferred[int]) { d.OnCancel(func() { d.Fire(0, errBad) }) }, time.Second, outcome[int]{err: errBad, times: 1}},
		"cancelled":     {func(d *deferred.Deferred[int]) { d.Cancel() }, time.Second, outcome[int]{err: deferred.ErrCancelled, times: 1}},
		"asked nothing": {func(d *deferred.Deferred[int]) { d.OnCancel(func() {}) }, time.Second, outcome[int]{err: deferred.ErrTimeout, times: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			var o *outcome[int]
			w.do(func() {
				d := deferred.New[int](w)
				o = outcomeOf(d.Timeout(w, time.Second))
				c.prepare(d)
			})
			w.Advance(c.wait)
			assert.Equal(t, &c.want, o)
			w.Advance(time.Hour)
			assert.Equal(t, 1, o.times)
			assert.Empty(t, w.log.String())
		})
	}
}

// A time limit holds even if the cancel is ignored; what comes later is closed.
func TestTimeoutHolds(t *testing.T) {
	w := newWorld()
	var o *outcome[*closer]
	second := deferred.New[*closer](w)
	w.do(func() {
		first := deferred.New[int](w)
		stubborn := deferred.Chain(first.Catch(func(error) (int, error) { return 0, nil }),
			func(int) *deferred.Deferred[*closer] { return second })
		o = outcomeOf(stubborn.Timeout(w, time.Second))
	})
	w.Advance(time.Second)
	assert.ErrorIs(t, o.err, deferred.ErrTimeout)
	assert.ErrorIs(t, o.err, context.DeadlineExceeded)
	c := &closer{}
	w.do(func() { second.Fire(c, nil) })
	assert.Equal(t, 1, c.closed)
	assert.Equal(t, 1, o.times)
}

// Cancel of what Timeout returned stops its timer; so does After's.
func TestTimersAreStopped(t *testing.T) {
	w := newWorld()
	w.do(func() {
		d := deferred.New[int](w).Timeout(w, time.Hour)
		d.Cancel()
		assert.ErrorIs(t, outcomeOf(d).err, deferred.ErrCancelled)
		a := deferred.After(w, time.Hour)
		o := outcomeOf(a)
		a.Cancel()
		assert.ErrorIs(t, o.err, deferred.ErrCancelled)
		assert.Equal(t, &outcome[int]{v: 1, times: 1}, outcomeOf(deferred.Fired(1, nil).Timeout(w, time.Hour)))
	})
	var o *outcome[struct{}]
	w.do(func() { o = outcomeOf(deferred.After(w, time.Minute)) })
	w.Advance(time.Minute - 1)
	assert.Zero(t, o.times)
	w.Advance(time.Hour)
	assert.Equal(t, &outcome[struct{}]{times: 1}, o)
}
