package deferred

import (
	"io"

	"github.com/torsion-go/torsion/protocol"
)

// A Deferred is the result of a call that has not finished. Its zero value is
// unfired and ready. It belongs to the loop.
type Deferred[T any] struct {
	value    T
	err      error
	loop     protocol.Loop       // where an unhandled error is told; nil if not known
	then     func() node         // what takes the result; nil if it was called or nothing is attached
	source   node                // what this one waits for; nil if it is Fire that fires it
	follower *Deferred[T]        // it was returned by a step of Chain: who takes its result as it is
	cancel   func() (later bool) // asks for an early end; later: Fire will follow
	orphan   *orphan             // its error, while nobody has attached
	state    uint8
}

// What is true of a Deferred.
const (
	fired     = 1 << iota // it has a result, or had
	attached              // something takes its result, or has
	late                  // it was cancelled, and its maker may not know: one more Fire is dropped
	running               // a step runs that decides its result
	cancelled             // Cancel came while running
)

// A node is a Deferred of whatever type.
type node interface {
	proceed() node  // gives the result to what follows, and returns who has one then
	upstream() node // what it waits for
	cancelHere()    // cancels it, nothing upstream
	loopOf() protocol.Loop
}

// New returns an unfired Deferred, whose error is reported on l if nobody
// attaches to it.
func New[T any](l protocol.Loop) *Deferred[T] { return &Deferred[T]{loop: l} }

// Fired returns a Deferred that has its result: Fired(strconv.Atoi(s)).
func Fired[T any](v T, err error) *Deferred[T] {
	d := &Deferred[T]{}
	d.Fire(v, err)
	return d
}

// Fire gives d its result and runs what is attached, before it returns. The
// second time it panics, as it does for a Deferred that a step returned, which
// fires by itself. After a Cancel one Fire is accepted and dropped: v is closed
// if it is an [io.Closer].
func (d *Deferred[T]) Fire(v T, err error) {
	switch {
	case d.state&late != 0:
		d.state &^= late
		discard(v, err)
	case d.state&fired != 0:
		panic("deferred: fired twice; a Deferred has one result")
	case d.source != nil || d.state&running != 0:
		panic("deferred: Fire of a Deferred that a step returned; fire the one at the head of the chain")
	default:
		run(d.resolve(v, err))
	}
}

// Done ends a chain: f gets the result, whatever it is.
func (d *Deferred[T]) Done(f func(T, error)) {
	d.attach(func() node {
		f(d.take())
		return nil
	})
}

// Catch returns a Deferred with the result of d, or that of f if d fails.
func (d *Deferred[T]) Catch(f func(error) (T, error)) *Deferred[T] {
	r := after[T](d)
	d.attach(func() node {
		v, err := d.take()
		if err == nil {
			return r.resolve(v, nil)
		}
		return r.resolve(step(r, func() (T, error) { return f(err) }))
	})
	return r
}

// after returns a Deferred that waits for d.
func after[U any](d node) *Deferred[U] { return &Deferred[U]{loop: d.loopOf(), source: d} }

// attach makes then the one that takes the result, at once if there is one.
func (d *Deferred[T]) attach(then func() node) {
	if d.state&attached != 0 {
		panic("deferred: attached to twice; go on from the Deferred that the first step returned")
	}
	d.state |= attached
	d.then = then
	if d.orphan != nil {
		d.orphan.adopted()
		d.orphan = nil
	}
	if d.state&fired != 0 {
		run(d)
	}
}

// resolve gives d its result and returns it if something waits for that.
func (d *Deferred[T]) resolve(v T, err error) node {
	d.value, d.err = v, err
	d.state |= fired
	d.source, d.cancel = nil, nil
	if d.state&attached != 0 {
		return d
	}
	if err != nil {
		d.unhandled()
	}
	return nil
}

// run goes down a chain: each continuation returns the Deferred that it fired.
func run(n node) {
	for n != nil {
		n = n.proceed()
	}
}

func (d *Deferred[T]) proceed() node {
	then := d.then
	d.then = nil
	return then()
}

// take hands the result over: d forgets it.
func (d *Deferred[T]) take() (T, error) {
	v, err := d.value, d.err
	var none T
	d.value, d.err = none, nil
	return v, err
}

// claim attaches to a Deferred that has fired and takes its result.
func (d *Deferred[T]) claim() (v T, err error) {
	d.attach(func() node {
		v, err = d.take()
		return nil
	})
	return v, err
}

func (d *Deferred[T]) upstream() node        { return d.source }
func (d *Deferred[T]) loopOf() protocol.Loop { return d.loop }
func (d *Deferred[T]) isFired() bool         { return d.state&fired != 0 }

// discard closes a result that nobody will get.
func discard[T any](v T, err error) {
	if c, ok := any(v).(io.Closer); ok && err == nil {
		contained(nil, "the Close of a result", func() { _ = c.Close() }) // there is nobody to tell
	}
}
