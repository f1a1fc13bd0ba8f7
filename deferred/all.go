package deferred

import "errors"

// ErrNone is the error of First for no Deferred at all.
var ErrNone = errors.New("deferred: nothing to wait for")

// All returns a Deferred with the values of all ds, in their order. The first
// error is its error: then the others are cancelled, values that came before are
// closed if they are an io.Closer, and further errors are logged. Cancel cancels
// all.
func All[T any](ds ...*Deferred[T]) *Deferred[[]T] {
	r := gathering[[]T](ds)
	values := make([]T, len(ds))
	came := make([]bool, len(ds))
	missing := len(ds)
	for i, d := range ds {
		d.attach(func() node {
			v, err := d.take()
			if r.isFired() {
				discard(v, err)
				d.logLate(err)
				return nil
			}
			if err != nil {
				next := r.fail(err)
				cancelAll(ds)
				for j, ok := range came {
					if ok {
						discard(values[j], nil)
					}
				}
				return next
			}
			values[i], came[i] = v, true
			if missing--; missing > 0 {
				return nil
			}
			return r.resolve(values, nil)
		})
	}
	if len(ds) == 0 {
		r.resolve(values, nil)
	}
	return r
}

// First returns a Deferred with the first value that any of ds has. The others
// are cancelled then, and what they still have is closed if it is an io.Closer.
// If all fail the error joins theirs, in the order of ds. Cancel cancels all.
func First[T any](ds ...*Deferred[T]) *Deferred[T] {
	r := gathering[T](ds)
	errs := make([]error, len(ds))
	missing := len(ds)
	for i, d := range ds {
		d.attach(func() node {
			v, err := d.take()
			if r.isFired() {
				discard(v, err)
				return nil
			}
			if err == nil {
				next := r.resolve(v, nil)
				cancelAll(ds)
				return next
			}
			errs[i] = err
			if missing--; missing > 0 {
				return nil
			}
			return r.fail(errors.Join(errs...))
		})
	}
	if len(ds) == 0 {
		r.fail(ErrNone)
	}
	return r
}

// gathering returns a Deferred that waits for several.
func gathering[U, T any](ds []*Deferred[T]) *Deferred[U] {
	r := &Deferred[U]{}
	for _, d := range ds {
		if r.loop == nil {
			r.loop = d.loop
		}
	}
	r.cancel = func() (later bool) {
		cancelAll(ds)
		return true
	}
	return r
}

func cancelAll[T any](ds []*Deferred[T]) {
	for _, d := range ds {
		d.Cancel()
	}
}
