package deferred

import (
	"context"
	"fmt"
)

// ErrCancelled is the error of what was cancelled. It is a context.Canceled.
var ErrCancelled = fmt.Errorf("deferred: cancelled: %w", context.Canceled)

// Cancel asks for an early end of what d waits for. It goes up the chain to the
// innermost wait: a Deferred that its maker has not fired yet. That one's
// OnCancel function is called, and unless it fires it, it fires with
// [ErrCancelled], which then comes down the chain as any error does. If d has
// fired already Cancel does nothing. It may be called again.
func (d *Deferred[T]) Cancel() { cancelFrom(d) }

// OnCancel has f called if d is cancelled before it is fired. It is for those
// who make a Deferred, to stop what would fire it. f may fire d itself. A panic
// in f is logged, and stops no cancel.
func (d *Deferred[T]) OnCancel(f func()) {
	if d.isFired() {
		return
	}
	d.cancel = func() bool {
		contained(d.loop, "an OnCancel function", f)
		return false
	}
}

func cancelFrom(n node) {
	for up := n.upstream(); up != nil; up = n.upstream() {
		n = up
	}
	n.cancelHere()
}

func (d *Deferred[T]) cancelHere() {
	switch {
	case d.isFired():
		return
	case d.state&running != 0:
		d.state |= cancelled // for what the step returns
		return
	}
	if f := d.cancel; f != nil {
		d.cancel = nil
		if f() || d.isFired() {
			return
		}
	}
	d.state |= late
	run(d.fail(ErrCancelled))
}

// abandon cancels d and throws its result away.
func (d *Deferred[T]) abandon() {
	d.Cancel()
	d.attach(func() node {
		discard(d.take())
		return nil
	})
}
