// Package serial is for clients whose library blocks: a Runner does one thing after the
// other over one connection, on a goroutine that it has while there is a connection.
// [Later] and [Now] are how others ask for it, on the loop and off it.
package serial

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// A Talk is what tasks talk over. It belongs to the Runner's goroutine.
type Talk interface {
	// Conn is its connection, nil if there is none now. Only the deadline of its reads
	// is set by a Runner.
	Conn() net.Conn

	// Peek waits until the server says something or has gone.
	Peek() error

	// Quit says goodbye and ends the connection, if there is one.
	Quit(ctx context.Context)

	// Drop ends it without a word.
	Drop()
}

// A Runner runs tasks in order. Its first fields are set before the first.
type Runner[T Talk] struct {
	Name string // of the package that has it, for panics
	Loop protocol.Loop
	Talk func() T                    // makes what a goroutine talks over; it has no connection yet
	Idle func() (deadline time.Time) // until when to wait for something to do, before Quit

	mu      sync.Mutex
	todo    []*operation[T]
	doing   *operation[T] // nil between operations
	working bool          // the goroutine runs
	waiting net.Conn      // it waits there for the server or for an operation; nil if it does not wait
	closed  bool
}

// Close ends what is under way, refuses what waits and what comes with net.ErrClosed,
// and does not wait.
func (r *Runner[T]) Close() {
	refused, doing := r.end(true)
	if doing != nil {
		doing.cancel(net.ErrClosed)
	}
	for _, o := range refused {
		o.refuse(net.ErrClosed)
	}
}

// Leave is Close when all is done.
func (r *Runner[T]) Leave() { r.end(false) }

// end has nothing more be added, and what waits be refused.
func (r *Runner[T]) end(refuse bool) (refused []*operation[T], doing *operation[T]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.interrupt()
	if refuse {
		refused, r.todo = r.todo, nil
	}
	return refused, r.doing
}

// work is the goroutine. It ends when there is no connection any more, and nothing to
// do.
func (r *Runner[T]) work() {
	t := r.Talk()
	for {
		o, wait := r.next(t)
		switch {
		case o != nil:
			o.run(t)
		case wait:
			r.idle(t)
		case t.Conn() != nil:
			t.Quit(context.Background())
		default:
			return
		}
	}
}

// next takes the next operation. If there is none it says whether to wait for one;
// the goroutine is over if there is no connection either.
func (r *Runner[T]) next(t T) (o *operation[T], wait bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doing = nil
	if len(r.todo) > 0 {
		r.doing = r.todo[0]
		r.todo = slices.Delete(r.todo, 0, 1)
		return r.doing, false
	}
	if c := t.Conn(); c == nil {
		r.working = false
	} else if !r.closed {
		r.waiting = c
		_ = c.SetReadDeadline(r.Idle()) // fails if it is closed, as the read does
	}
	return nil, r.waiting != nil
}

// idle waits for an operation, and for what the server says meanwhile: that it
// leaves.
func (r *Runner[T]) idle(t T) {
	err := t.Peek()
	r.mu.Lock()
	wanted := r.waiting == nil
	r.waiting = nil
	r.mu.Unlock()
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		t.Drop()
	case !wanted:
		t.Quit(context.Background())
	}
}

// add puts o behind what is to be done, and reports whether it ever will be.
func (r *Runner[T]) add(o *operation[T]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.todo = append(r.todo, o)
	r.interrupt()
	if !r.working {
		r.working = true
		go r.work()
	}
	return true
}

// remove takes o back, if it has not begun.
func (r *Runner[T]) remove(o *operation[T]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.todo, o)
	if i >= 0 {
		r.todo = slices.Delete(r.todo, i, i+1)
	}
	return i >= 0
}

// interrupt has the goroutine look again, if it waits.
func (r *Runner[T]) interrupt() {
	if r.waiting != nil {
		_ = r.waiting.SetReadDeadline(time.Unix(1, 0))
		r.waiting = nil
	}
}
