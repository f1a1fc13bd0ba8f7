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
// The error is protocol.ErrStopped if the loop has stopped, or does so before f
// returns, which also ends ctx; and errors.ErrUnsupported if the loop is no
// protocol.Worker.
func Go[T any](l protocol.Loop, f func(ctx context.Context) (T, error)) *Deferred[T] {
	j := newJob(l, f)
	j.begin(func() {})
	return j.d
}

// A job is work on its way through the pool. All but run belongs to the loop.
type job[T any] struct {
	d      *Deferred[T]
	f      func(ctx context.Context) (T, error)
	ctx    context.Context
	cancel func()
	forget func() // takes back whenEnded
	over   func() // is called when d has fired
	ended  bool
}

func newJob[T any](l protocol.Loop, f func(ctx context.Context) (T, error)) *job[T] {
	j := &job[T]{d: New[T](l), f: f, forget: func() {}}
	j.ctx, j.cancel = context.WithCancel(context.Background())
	j.d.OnCancel(j.cancel)
	return j
}

func (j *job[T]) begin(over func()) {
	j.over = over
	var none T
	err := errors.ErrUnsupported
	if w, ok := j.d.loop.(protocol.Worker); ok {
		j.forget = whenEnded(j.d.loop, func(reason error) { j.end(none, reason) })
		err = w.Work(j.run)
	}
	if err != nil {
		j.end(none, err)
	}
}

// run calls f on a goroutine of the pool, and has the loop told.
func (j *job[T]) run() {
	var v T
	err := j.ctx.Err()
	defer func() {
		if j.d.loop.Call(func() { j.end(v, err) }) != nil {
			discard(v, err)
		}
	}()
	if err == nil {
		err = errExited // unless f returns
		v, err = j.call()
	}
}

// call calls f. A panic is its error.
func (j *job[T]) call() (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = contain(j.d.loop, "work", p)
		}
	}()
	return j.f(j.ctx)
}

// end is called with the result, or when the loop ends before there is one.
func (j *job[T]) end(v T, err error) {
	if j.ended {
		discard(v, err)
		return
	}
	j.ended = true
	j.forget()
	j.cancel()
	defer j.over()
	j.d.Fire(v, err)
}

// A Queue keeps work in order: each job that [GoIn] puts there begins when the
// one before has ended. Jobs of different queues run at once. Its zero value is
// ready; it belongs to the loop.
type Queue struct {
	busy bool
	jobs []func(over func()) // that wait
}

// Len returns how many jobs wait for the one that runs.
func (q *Queue) Len() int { return len(q.jobs) }

// GoIn is [Go] behind the jobs that are in q already. Their Deferreds fire in
// the order of the calls, but for those that are cancelled.
func GoIn[T any](q *Queue, l protocol.Loop, f func(ctx context.Context) (T, error)) *Deferred[T] {
	j := newJob(l, f)
	q.jobs = append(q.jobs, func(over func()) {
		if j.d.isFired() { // it was cancelled while it waited
			over()
		} else {
			j.begin(over)
		}
	})
	if !q.busy {
		q.busy = true
		q.next()
	}
	return j.d
}

// next begins jobs up to one that takes its time. Those that were cancelled are
// over at once, and all are when the loop has stopped.
func (q *Queue) next() {
	for len(q.jobs) > 0 {
		job := q.jobs[0]
		q.jobs[0] = nil
		q.jobs = q.jobs[1:]
		beginning, over := true, false
		job(func() {
			if over = true; !beginning {
				q.next()
			}
		})
		if beginning = false; !over {
			return
		}
	}
	q.busy, q.jobs = false, nil
}
