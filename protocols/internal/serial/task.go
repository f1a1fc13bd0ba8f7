package serial

import (
	"context"
	"net"
	"runtime/debug"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
)

// A Task is what is asked of a Runner.
type Task[T Talk, V any] func(ctx context.Context, t T) (V, error)

// A Verdict is what becomes of a task of which only is known that err has ended it.
type Verdict[V any] func(err error) (V, error)

// Later has r do f, from the loop. A cancel gives it up at once.
func Later[T Talk, V any](r *Runner[T], f Task[T, V], verdict Verdict[V]) *deferred.Deferred[V] {
	d, told, forget := deferred.New[V](r.Loop), false, func() {}
	tell := func(v V, err error) {
		if told {
			return
		}
		told = true
		forget()
		d.Fire(v, err)
	}
	o := newOperation(context.Background(), f, verdict, func(v V, err error) {
		_ = r.Loop.Call(func() { tell(v, err) }) // one that has stopped has told already
	})
	giveUp := func(err error) {
		v, e := verdict(err) // before the operation hears of it
		o.cancel(err)
		tell(v, e)
	}
	if s, ok := r.Loop.(interface{ WhenStopped(func()) func() }); ok {
		forget = s.WhenStopped(func() { giveUp(protocol.ErrStopped) })
	}
	d.OnCancel(func() { giveUp(deferred.ErrCancelled) })
	if !r.add(o) {
		giveUp(net.ErrClosed)
	}
	return d
}

// Now has r do f and waits for that, on another goroutine than the loop's.
func Now[T Talk, V any](ctx context.Context, r *Runner[T], f Task[T, V], verdict Verdict[V]) (v V, err error) {
	if !protocol.MayWait(r.Loop) {
		panic(r.Name + ": a call on the loop would wait for the loop itself; take the one that returns a Deferred")
	}
	done := make(chan struct{})
	o := newOperation(ctx, f, verdict, func(value V, e error) {
		v, err = value, e
		close(done)
	})
	defer o.cancel(nil)
	if !r.add(o) {
		return verdict(net.ErrClosed)
	}
	select {
	case <-done:
	case <-ctx.Done():
		if r.remove(o) {
			return verdict(ctx.Err())
		}
		<-done
	}
	return v, err
}

// An operation is a task that was asked for.
type operation[T Talk] struct {
	cancel context.CancelCauseFunc
	run    func(t T)       // on the Runner's goroutine
	refuse func(err error) // or this is called, on any
}

// newOperation returns one that does f unless ctx has ended, and tells what came of
// it.
func newOperation[T Talk, V any](ctx context.Context, f Task[T, V], verdict Verdict[V], tell func(V, error)) *operation[T] {
	ctx, cancel := context.WithCancelCause(ctx)
	return &operation[T]{
		cancel: cancel,
		refuse: func(err error) { tell(verdict(err)) },
		run: func(t T) {
			if err := context.Cause(ctx); err != nil {
				tell(verdict(err))
				return
			}
			tell(contained(ctx, t, f, verdict))
		},
	}
}

// contained is f. What it reads is the user's, whose panic is an error.
func contained[T Talk, V any](ctx context.Context, t T, f Task[T, V], verdict Verdict[V]) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			t.Drop()
			v, err = verdict(&protocol.PanicError{Value: p, Stack: debug.Stack()})
		}
	}()
	return f(ctx, t)
}
