package deferred

import (
	"context"
	"sync/atomic"

	"github.com/torsion-go/torsion/protocol"
)

// Await runs f on the loop and waits for the result of the Deferred that it
// returns. It is for other goroutines: where it might wait for ever it panics (see
// protocol.MayWait). The error is that of the Deferred,
// protocol.ErrStopped if the loop stops first, protocol.ErrPanicked if f panics,
// or that of ctx: then the Deferred is cancelled, and a value that it has none
// the less is closed if it is an io.Closer.
func Await[T any](ctx context.Context, l protocol.Loop, f func() *Deferred[T]) (T, error) {
	if !protocol.MayWait(l) {
		panic("deferred: Await on the loop itself, or on another of its pool; attach with Done, or Wait in a coroutine")
	}
	var none T
	w := &waiter[T]{answer: make(chan result[T], 1)}
	if err := l.Call(func() { w.start(l, f) }); err != nil {
		return none, err
	}
	select {
	case r := <-w.answer:
		return r.v, r.err
	case <-ctx.Done():
	}
	if w.over.CompareAndSwap(false, true) {
		_ = l.Call(w.giveUp) // a loop that has stopped has nothing to cancel
		return none, ctx.Err()
	}
	r := <-w.answer
	return r.v, r.err
}

type result[T any] struct {
	v   T
	err error
}

// A waiter stands between a goroutine and a Deferred.
type waiter[T any] struct {
	answer chan result[T]
	over   atomic.Bool  // one of both sides has decided what Await answers
	d      *Deferred[T] // the loop's
	forget func()       // the loop's
}

func (w *waiter[T]) start(l protocol.Loop, f func() *Deferred[T]) {
	if w.over.Load() {
		return // ctx has ended before
	}
	var none T
	started := false
	defer func() {
		if !started {
			w.deliver(none, protocol.ErrPanicked)
		}
	}()
	if w.d = f(); w.d == nil {
		panic("deferred: the function of Await must return a Deferred")
	}
	w.forget = func() {}
	w.d.Done(func(v T, err error) {
		w.forget()
		w.deliver(v, err)
	})
	if started = true; !w.d.isFired() {
		w.forget = whenEnded(l, func(reason error) { w.deliver(none, reason) })
	}
}

func (w *waiter[T]) deliver(v T, err error) {
	if w.over.CompareAndSwap(false, true) {
		w.answer <- result[T]{v, err}
	} else {
		discard(v, err)
	}
}

func (w *waiter[T]) giveUp() {
	if w.d != nil {
		w.d.Cancel()
	}
}
