package deferred

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocol"
)

// ErrTimeout is the error of what took longer than Timeout allows. It is a
// context.DeadlineExceeded, and so a timeout in the sense of package net.
var ErrTimeout = fmt.Errorf("deferred: %w", context.DeadlineExceeded)

// After returns a Deferred that fires when d has passed. Cancel stops the timer.
func After(l protocol.Loop, d time.Duration) *Deferred[struct{}] {
	r := New[struct{}](l)
	t := l.AfterFunc(d, func() { r.Fire(struct{}{}, nil) })
	r.OnCancel(func() { t.Stop() })
	return r
}

// Timeout returns a Deferred with the result of d, if that comes within limit.
// Otherwise d is cancelled, and the result is [ErrTimeout], unless d answers the
// cancel at once with something of its own: a value, or an error that is not
// [ErrCancelled]. It fires at the limit in any case.
func (d *Deferred[T]) Timeout(l protocol.Loop, limit time.Duration) *Deferred[T] {
	r := after[T](d)
	if r.loop == nil {
		r.loop = l
	}
	var limiter clock.Timer
	over := false
	if !d.isFired() {
		limiter = l.AfterFunc(limit, func() {
			over = true
			d.Cancel()
			if !r.isFired() {
				run(r.fail(ErrTimeout))
			}
		})
	}
	d.attach(func() node {
		v, err := d.take()
		switch {
		case r.isFired():
			discard(v, err)
			return nil
		case over && errors.Is(err, ErrCancelled):
			err = ErrTimeout
		case limiter != nil:
			limiter.Stop()
		}
		return r.resolve(v, err)
	})
	return r
}
