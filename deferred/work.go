package deferred

import (
	"context"
	"errors"

	"github.com/torsion-go/torsion/protocol"
)

var errExited = errors.New("deferred: work ended its goroutine by runtime.Goexit")

// Go runs f on a goroutine of the loop's pool, and fires the Deferred on the
// loop with what f returns. It is for work that blocks but ends by itself, a
// hash or a file; what waits for a peer needs a goroutine of its own. Several
// run at once and end in whatever order; for a fixed order see [Queue]. Cancel
// ends ctx: work that has not begun then never does, and the result of what has
// is not waited for.
//
// The error is protocol.ErrStopped if the loop has stopped, and
// errors.ErrUnsupported if it is no protocol.Worker.
func Go[T any](l protocol.Loop, f func(ctx context.Context) (T, error)) *Deferred[T] {
	d := New[T](l)
	ctx, cancel := context.WithCancel(context.Background())
	d.OnCancel(cancel)
	work(d, ctx, f, cancel)
	return d
}

// work has f run by the pool, then fires d and calls over, both on the loop.
func work[T any](d *Deferred[T], ctx context.Context, f func(context.Context) (T, error), over func()) {
	deliver := func(v T, err error) {
		defer over()
		d.Fire(v, err)
	}
	err := errors.ErrUnsupported
	if w, ok := d.loop.(protocol.Worker); ok {
		err = w.Work(func() {
			var v T
			err := ctx.Err()
			defer func() {
				if d.loop.Call(func() { deliver(v, err) }) != nil {
					discard(v, err)
				}
			}()
			if err == nil {
				err = errExited // unless f returns
				v, err = called(d.loop, ctx, f)
			}
		})
	}
	if err != nil {
		var none T
		deliver(none, err)
	}
}

// called calls f. A panic is its error.
func called[T any](l protocol.Loop, ctx context.Context, f func(context.Context) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = contain(l, "work", p)
		}
	}()
	return f(ctx)
}

// A Queue keeps work in order: each job that [GoIn] puts there begins when the
// one before has ended. Jobs of different queues run at once. Its zero value is
// ready; it belongs to the loop.
type Queue struct {
	busy bool
	jobs []func()
}

// Len returns how many jobs wait for the one that runs.
func (q *Queue) Len() int { return len(q.jobs) }

// GoIn is [Go] behind the jobs that are in q already. Their Deferreds fire in
// the order of the calls, but for those that are cancelled.
func GoIn[T any](q *Queue, l protocol.Loop, f func(ctx context.Context) (T, error)) *Deferred[T] {
	d := New[T](l)
	ctx, cancel := context.WithCancel(context.Background())
	d.OnCancel(cancel)
	q.add(func() {
		work(d, ctx, f, func() {
			cancel()
			q.next()
		})
	})
	return d
}

func (q *Queue) add(job func()) {
	if q.busy {
		q.jobs = append(q.jobs, job)
		return
	}
	q.busy = true
	job()
}

func (q *Queue) next() {
	if len(q.jobs) == 0 {
		q.busy, q.jobs = false, nil
		return
	}
	job := q.jobs[0]
	q.jobs[0] = nil
	q.jobs = q.jobs[1:]
	job()
}
