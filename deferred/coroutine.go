package deferred

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/internal/stand"
	"github.com/torsion-go/torsion/protocol"
)

// A Coroutine is straight-line code on the loop: while it waits the loop goes
// on, and while it runs nothing else does, as in any callback. Between two waits
// it needs no lock. [Wait] and Sleep are for the function that was given it.
type Coroutine struct {
	loop     protocol.Loop
	whose    clock.Clock // the connection or loop that it ends with
	result   *Deferred[struct{}]
	f        func(*Coroutine) error
	next     func() (struct{}, bool) // runs f up to its next wait
	yield    func(struct{}) bool     // ends that run
	forget   func()                  // takes back whenEnded
	waits    node                    // what f waits for; nil while it runs
	cause    error                   // why it was cancelled, or nil
	refuses  bool                    // cause has been returned: another wait ends f
	panicked bool                    // f has
	over     bool                    // f has ended
	err      error                   // of f
	stand    stand.Stand
}

// Run runs f on the loop, up to its first wait before it returns. The Deferred
// fires when f has ended, with its error; a value that f comes to is a variable of the
// caller's, which [Then] can turn into a Deferred's. If it is cancelled, or the loop stops,
// the wait that f is in returns [ErrCancelled]; a further wait does not return
// but ends f, running what it has deferred. So it leaves no stack behind.
func Run(l protocol.Loop, f func(c *Coroutine) error) *Deferred[struct{}] {
	c := &Coroutine{loop: l, whose: l, f: f}
	return c.start()
}

// RunOn is [Run] for the code of one connection: it is cancelled when t ends,
// with an error that is both ErrCancelled and the reason. A panic in f aborts
// the connection, as in a callback.
func RunOn(t protocol.Transport, f func(c *Coroutine) error) *Deferred[struct{}] {
	c := &Coroutine{loop: t.Loop(), whose: t, f: f}
	return c.start()
}

func (c *Coroutine) start() *Deferred[struct{}] {
	c.result = New[struct{}](c.loop)
	c.result.cancel = c.asked
	c.forget = func() {}
	c.stand = stand.In(c.loop)
	c.next, _ = iter.Pull(c.body)
	run(c.resume())
	if !c.over {
		c.forget = whenEnded(c.whose, func(reason error) { c.cancel(fmt.Errorf("%w: %w", ErrCancelled, reason)) })
	}
	return c.result
}

// body is f on its own stack.
func (c *Coroutine) body(yield func(struct{}) bool) {
	c.yield = yield
	c.stand.Arrive()
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
		case unwound:
			c.err = c.cause
		default:
			c.panicked, c.err = true, contain(c.loop, "a coroutine", p)
		}
	}()
	c.err = c.f(c)
}

// resume runs f up to its next wait, or its end. Then it returns what has the
// result, as proceed does.
func (c *Coroutine) resume() node {
	c.waits = nil
	c.stand.Enter()
	_, more := c.next()
	c.stand.Leave()
	if more {
		return nil
	}
	return c.end()
}

func (c *Coroutine) end() node {
	c.over = true
	c.forget()
	if c.panicked {
		abort(c.whose, c.err)
	}
	return c.result.resolve(struct{}{}, c.err)
}

// Wait waits for d and returns its result. If the coroutine is cancelled
// meanwhile, so is d, and the error is [ErrCancelled].
func Wait[T any](c *Coroutine, d *Deferred[T]) (v T, err error) {
	switch {
	case c.over || c.waits != nil:
		panic("deferred: Wait for a Coroutine that does not run; call it in its own function")
	case c.cause != nil:
		d.abandon()
		return v, c.leave()
	case d.isFired():
		return d.claim()
	}
	w := &waiting[T]{c: c, d: d}
	d.attach(w.wake)
	c.waits = d
	c.yield(struct{}{})
	if !w.came { // cancelled, and d takes its time
		w.gone = true
		return v, c.leave()
	}
	if c.cause != nil && errors.Is(w.err, ErrCancelled) {
		return w.v, c.leave()
	}
	return w.v, w.err
}

// A waiting is one Wait.
type waiting[T any] struct {
	c    *Coroutine
	d    *Deferred[T]
	v    T
	err  error
	came bool // the result has
	gone bool // the coroutine has, without it
}

// wake is what follows on d.
func (w *waiting[T]) wake() node {
	if w.gone {
		discard(w.d.take())
		return nil
	}
	w.came = true
	w.v, w.err = w.d.take()
	return w.c.resume()
}

// Sleep waits until d has passed. The error is [ErrCancelled] if the coroutine
// is cancelled meanwhile, otherwise nil.
func (c *Coroutine) Sleep(d time.Duration) error {
	if c.cause != nil {
		return c.leave()
	}
	_, err := Wait(c, After(c.loop, d))
	return err
}

// leave is how a wait of a cancelled coroutine ends: at first it returns.
func (c *Coroutine) leave() error {
	if c.refuses {
		panic(unwound{})
	}
	c.refuses = true
	return c.cause
}

// unwound is what the second wait of a cancelled coroutine panics with.
type unwound struct{}

func (unwound) Error() string {
	return "deferred: this coroutine was cancelled and ends; do not recover it"
}

// cancel asks f to end. If f itself is what runs, its next wait hears of it.
func (c *Coroutine) cancel(cause error) {
	if c.over || c.cause != nil {
		return
	}
	c.cause = cause
	waits := c.waits
	if waits == nil {
		return
	}
	cancelFrom(waits)
	if c.waits == waits {
		run(c.resume()) // and leaves behind what does not let itself be cancelled
	}
}

// asked is the Cancel of the result, which fires when f has ended.
func (c *Coroutine) asked() (later bool) {
	c.result.cancel = c.asked
	c.cancel(ErrCancelled)
	return true
}
