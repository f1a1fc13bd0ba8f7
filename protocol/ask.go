package protocol

import "context"

// Ask runs f on the loop and returns its answer. It is for other goroutines: on
// the loop itself it would wait for ever, and panics instead. The error is
// ErrStopped if f will not run, ErrPanicked if it did and panicked, or that of
// ctx if the answer came too late, in which case f may still run.
func Ask[T any](ctx context.Context, l Loop, f func() T) (T, error) {
	var none T
	if o, ok := l.(interface{ OnLoop() bool }); ok && o.OnLoop() {
		panic("protocol.Ask on the loop itself: call the function directly")
	}
	type result struct {
		v  T
		ok bool
	}
	answer := make(chan result, 1)
	err := l.Call(func() {
		var r result
		defer func() { answer <- r }() // also if f panics
		r.v = f()
		r.ok = true
	})
	if err != nil {
		return none, err
	}
	select {
	case r := <-answer:
		if !r.ok {
			return none, ErrPanicked
		}
		return r.v, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
