package deferred_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
)

// runs runs the loop until the test ends.
func (w world) runs(t *testing.T) {
	ended := make(chan error, 1)
	go func() { ended <- w.Run(context.Background()) }()
	t.Cleanup(func() {
		w.Stop()
		assert.NoError(t, <-ended)
	})
}

// A goroutine gets what the Deferred has, or why not.
func TestAwait(t *testing.T) {
	w := newWorld()
	w.runs(t)
	n, err := deferred.Await(t.Context(), w, func() *deferred.Deferred[int] {
		d := deferred.New[int](w)
		assert.NoError(t, w.Call(func() { d.Fire(7, nil) }))
		return d
	})
	require.NoError(t, err)
	assert.Equal(t, 7, n)
	_, err = deferred.Await(t.Context(), w, func() *deferred.Deferred[int] { return deferred.Fired(0, errBad) })
	assert.Equal(t, errBad, err)
	_, err = deferred.Await(t.Context(), w, func() *deferred.Deferred[int] { panic("x") })
	assert.Equal(t, protocol.ErrPanicked, err)
	_, err = deferred.Await(t.Context(), w, func() *deferred.Deferred[int] { return nil })
	assert.Equal(t, protocol.ErrPanicked, err)
	_, err = deferred.Await(t.Context(), w, taken[int])
	assert.Equal(t, protocol.ErrPanicked, err)
}

// taken returns a Deferred to which somebody has attached already.
func taken[T any]() *deferred.Deferred[T] {
	d := &deferred.Deferred[T]{}
	outcomeOf(d)
	return d
}

// Await on the loop would wait for itself.
func TestAwaitOnTheLoopPanics(t *testing.T) {
	w := newWorld()
	w.do(func() {
		assert.Panics(t, func() {
			_, _ = deferred.Await(t.Context(), w, func() *deferred.Deferred[int] { return nil })
		})
	})
}

// The end of ctx cancels the Deferred, and closes what it has none the less.
func TestAwaitCancels(t *testing.T) {
	w := newWorld()
	w.runs(t)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	var d *deferred.Deferred[*closer]
	_, err := deferred.Await(ctx, w, func() *deferred.Deferred[*closer] {
		d = deferred.New[*closer](w)
		d.OnCancel(func() { close(asked) })
		cancel()
		return d
	})
	assert.Equal(t, context.Canceled, err)
	<-asked
	c := &closer{}
	closed, err := protocol.Ask(t.Context(), w, func() int { d.Fire(c, nil); return c.closed })
	assert.NoError(t, err)
	assert.Equal(t, 1, closed)

	_, err = deferred.Await(ctx, w, func() *deferred.Deferred[int] { return deferred.New[int](w) })
	assert.Equal(t, context.Canceled, err, "it had ended before")
}

// A loop that stops ends all waits.
func TestAwaitEndsWithTheLoop(t *testing.T) {
	w := newWorld()
	ended := make(chan error, 1)
	go func() { ended <- w.Run(context.Background()) }()
	var d *deferred.Deferred[*closer]
	_, err := deferred.Await(t.Context(), w, func() *deferred.Deferred[*closer] {
		w.Stop()
		d = deferred.New[*closer](w)
		return d
	})
	assert.Equal(t, protocol.ErrStopped, err)
	require.NoError(t, <-ended)
	c := &closer{}
	d.Fire(c, nil)
	assert.Equal(t, 1, c.closed)
	_, err = deferred.Await(t.Context(), w, func() *deferred.Deferred[int] { return nil })
	assert.Equal(t, protocol.ErrStopped, err)
}

// Work comes back to the loop with what it returned, or why it did not.
func TestGo(t *testing.T) {
	w := newWorld()
	w.runs(t)
	await := func(f func(context.Context) (int, error)) (int, error) {
		return deferred.Await(t.Context(), w, func() *deferred.Deferred[int] {
			return deferred.Then(deferred.Go(w, f), func(n int) (int, error) {
				assert.True(t, w.OnLoop())
				return n, nil
			})
		})
	}
	n, err := await(func(context.Context) (int, error) {
		assert.False(t, w.OnLoop())
		return 7, nil
	})
	assert.NoError(t, err)
	assert.Equal(t, 7, n)
	_, err = await(func(context.Context) (int, error) { return 0, errBad })
	assert.Equal(t, errBad, err)
	_, err = await(func(context.Context) (int, error) { panic(errBad) })
	assert.ErrorIs(t, err, errBad)
	assert.Equal(t, 1, w.log.Lines())
}

// A loop without goroutines, and one that has stopped, say so.
func TestGoNowhere(t *testing.T) {
	w := newWorld()
	idle := struct{ protocol.Loop }{w}
	work := func(context.Context) (int, error) { return 1, nil }
	assert.ErrorIs(t, outcomeOf(deferred.Go(idle, work)).err, errors.ErrUnsupported)
	w.Stop()
	w.Settle()
	assert.Equal(t, protocol.ErrStopped, outcomeOf(deferred.Go(w, work)).err)
	var q deferred.Queue
	assert.Equal(t, protocol.ErrStopped, outcomeOf(deferred.GoIn(&q, w, work)).err)
	assert.Equal(t, protocol.ErrStopped, outcomeOf(deferred.GoIn(&q, w, work)).err)
}

// Cancel ends the context of work that runs, and what it opened is closed.
func TestGoIsCancelled(t *testing.T) {
	w := newWorld()
	w.runs(t)
	c := &closer{}
	began := make(chan struct{})
	var d *deferred.Deferred[*closer]
	assert.NoError(t, w.Call(func() {
		d = deferred.Go(w, func(ctx context.Context) (*closer, error) {
			close(began)
			<-ctx.Done()
			return c, nil
		})
	}))
	<-began
	_, err := deferred.Await(t.Context(), w, func() *deferred.Deferred[*closer] {
		d.Cancel()
		return d
	})
	assert.ErrorIs(t, err, deferred.ErrCancelled)
	// A job of the same pool comes back later than the one before it has.
	for closed := 0; closed == 0; {
		closed, err = deferred.Await(t.Context(), w, func() *deferred.Deferred[int] {
			return deferred.Then(deferred.Go(w, func(context.Context) (int, error) { return 0, nil }),
				func(int) (int, error) { return c.closed, nil })
		})
		require.NoError(t, err)
	}
	assert.Equal(t, 1, c.closed)
}

// Work that ends its goroutine has failed.
func TestGoexitFailsWork(t *testing.T) {
	w := newWorld()
	w.runs(t)
	_, err := deferred.Await(t.Context(), w, func() *deferred.Deferred[int] {
		return deferred.Go(w, func(context.Context) (int, error) {
			runtime.Goexit()
			return 0, nil
		})
	})
	assert.ErrorContains(t, err, "runtime.Goexit")
}

// A door is a result that says when it is closed.
type door chan struct{}

func (d door) Close() error {
	close(d)
	return nil
}

// The end of the loop ends the context of work that still runs. Its Deferred fails
// then, and what it opens is closed.
func TestWorkEndsWithTheLoop(t *testing.T) {
	w := newWorld()
	d := make(door)
	began := make(chan struct{})
	var o *outcome[door]
	w.do(func() {
		o = outcomeOf(deferred.Go(w, func(ctx context.Context) (door, error) {
			close(began)
			<-ctx.Done()
			return d, nil
		}))
	})
	<-began
	w.Stop()
	w.Stop()
	w.Settle()
	assert.Equal(t, &outcome[door]{err: protocol.ErrStopped, times: 1}, o)
	<-d
}

// Work that was accepted and never began fails then, too. However many jobs wait
// in a queue, they need no stack.
func TestWorkThatNeverBegan(t *testing.T) {
	w := newWorld()
	var q deferred.Queue
	deepest, failed := 0, 0
	forever := func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, nil
	}
	never := func(context.Context) (int, error) { t.Error("it began"); return 0, nil }
	fails := func(_ int, err error) {
		if failed++; failed%1000 == 0 {
			assert.Equal(t, protocol.ErrStopped, err)
			deepest = max(deepest, depth())
		}
	}
	w.do(func() {
		for range 4 { // as many as there are goroutines
			deferred.Go(w, forever).Done(fails)
		}
		deferred.Go(w, never).Done(fails)
		for range 10_000 {
			deferred.GoIn(&q, w, never).Done(fails)
		}
	})
	w.Stop()
	w.Stop()
	w.Settle()
	assert.Equal(t, 5+10_000, failed)
	assert.NotZero(t, deepest)
	assert.Less(t, deepest, 100)
}

// A loop that stops in peace waits for its queues.
func TestStopWaitsForQueues(t *testing.T) {
	w := newWorld()
	var q deferred.Queue
	sum := 0
	w.do(func() {
		for range 100 {
			deferred.GoIn(&q, w, func(context.Context) (int, error) { return 1, nil }).Done(func(n int, _ error) { sum += n })
		}
	})
	w.Stop()
	assert.NoError(t, w.Run(t.Context()))
	assert.Equal(t, 100, sum)
}

// A counting loop counts what its pool is given.
type counting struct {
	world
	works int
}

func (c *counting) Work(f func()) error {
	c.works++
	return c.world.Work(f)
}

// Jobs that were cancelled while they waited cost no trip to a goroutine.
func TestQueueSkipsTheCancelled(t *testing.T) {
	w := &counting{world: newWorld()}
	var q deferred.Queue
	release := make(chan struct{})
	answer := func(context.Context) (int, error) { <-release; return 1, nil }
	var last *deferred.Deferred[int]
	w.do(func() {
		outcomeOf(deferred.GoIn(&q, w, answer))
		for range 10_000 {
			d := deferred.GoIn(&q, w, answer)
			d.Cancel()
			assert.ErrorIs(t, outcomeOf(d).err, deferred.ErrCancelled)
		}
		last = deferred.GoIn(&q, w, answer)
	})
	close(release)
	w.runs(t)
	n, err := deferred.Await(t.Context(), w, func() *deferred.Deferred[int] { return last })
	assert.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Equal(t, 2, w.works)
}

// The jobs of a queue run one at a time, in order, and fire in order.
func TestQueueKeepsOrder(t *testing.T) {
	w := newWorld()
	w.runs(t)
	var q deferred.Queue
	var began, ended []int // the former is written by jobs: they do not run at once
	all, err := deferred.Await(t.Context(), w, func() *deferred.Deferred[[]int] {
		var ds []*deferred.Deferred[int]
		for i := range 50 {
			d := deferred.GoIn(&q, w, func(context.Context) (int, error) {
				began = append(began, i)
				if i == 7 {
					panic("seven")
				}
				return i, nil
			})
			if i == 8 {
				d.Cancel()
			}
			d = d.Catch(func(error) (int, error) { return -i, nil })
			ds = append(ds, deferred.Then(d, func(n int) (int, error) { ended = append(ended, n); return n, nil }))
		}
		assert.Equal(t, 49, q.Len())
		return deferred.All(ds...)
	})
	require.NoError(t, err)
	assert.Len(t, all, 50)
	assert.Len(t, began, 49)
	assert.NotContains(t, began, 8)
	assert.IsIncreasing(t, began)
	assert.Equal(t, -8, ended[0], "cancelled at once")
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, -7, 9, 10}, ended[1:11])
	left, err := protocol.Ask(t.Context(), w, q.Len)
	assert.NoError(t, err)
	assert.Zero(t, left)
}
