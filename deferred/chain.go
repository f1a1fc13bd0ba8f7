package deferred

// Then returns a Deferred with what f makes of the value of d. An error of d
// goes past f.
func Then[T, U any](d *Deferred[T], f func(T) (U, error)) *Deferred[U] {
	r := after[U](d)
	d.attach(func() node {
		v, err := d.take()
		if err != nil {
			return r.fail(err)
		}
		return r.resolve(step(r, func() (U, error) { return f(v) }))
	})
	return r
}

// Chain returns a Deferred with the result of the one that f returns when it is
// given the value of d. An error of d goes past f.
func Chain[T, U any](d *Deferred[T], f func(T) *Deferred[U]) *Deferred[U] {
	r := after[U](d)
	d.attach(func() node {
		v, err := d.take()
		if err != nil {
			return r.fail(err)
		}
		inner, err := step(r, func() (*Deferred[U], error) {
			inner := f(v)
			if inner == nil || inner == r || inner.state&attached != 0 {
				panic("deferred: a step of Chain must return a Deferred to which nothing is attached")
			}
			return inner, nil
		})
		if err != nil {
			return r.fail(err)
		}
		return r.follow(inner)
	})
	return r
}

// step calls a step that decides the result of r. Its panic is its error.
func step[T, U any](r *Deferred[U], f func() (T, error)) (v T, err error) {
	r.source = nil
	r.state |= running
	defer func() {
		r.state &^= running
		if p := recover(); p != nil {
			err = contain(r.loop, "a step of a Deferred", p)
		}
	}()
	return f()
}

// follow has r wait for inner, whose result is taken as it is.
func (d *Deferred[T]) follow(inner *Deferred[T]) node {
	if d.loop == nil {
		d.loop = inner.loop
	}
	if inner.isFired() {
		return d.resolve(inner.claim())
	}
	d.source = inner
	inner.attach(func() node { return d.resolve(inner.take()) })
	if d.state&cancelled != 0 {
		cancelFrom(inner)
	}
	return nil
}

func (d *Deferred[T]) fail(err error) node {
	var none T
	return d.resolve(none, err)
}
