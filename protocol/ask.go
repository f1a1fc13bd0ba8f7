package protocol

import "context"

// MayWait reports whether the caller may wait for what l does. The loop itself must
// not, nor may another of its pool, for which l may be waiting meanwhile; there, call
// (Loop.Call), and have it call back. For a loop that cannot tell, or none, it is true.
// It takes microseconds.
func MayWait(l Loop) bool {
	w, ok := l.(interface{ MayWait() bool })
	return !ok || w.MayWait()
}

// Ask runs f on the loop and returns its answer. It is for other goroutines: on the
// loop itself, and on the others of its pool, it might wait for ever, and panics
// instead (see MayWait). The error is ErrStopped if f will not run, ErrPanicked if it
// did and panicked, or that of ctx if the answer came too late, in which case f may
// still run.
func Ask[T any](ctx context.Context, l Loop, f func() T) (T, error) {
	var none T
	if !MayWait(l) {
		panic("protocol.Ask on the loop itself, or on another of its pool: there, call the function, or use Loop.Call and have it call back")
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
