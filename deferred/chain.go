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

// follow has d wait for inner, whose result is taken as it is. If somebody follows
// d already it is he that waits, so that a step that goes on to itself for ever
// does not become a chain of all its rounds.
func (d *Deferred[T]) follow(inner *Deferred[T]) node {
	called := d.state&cancelled != 0
	if last := d.follower; last != nil {
		d.source, d.then = last, nil // it only shows the way to a cancel now
		d = last
	}
	if d.loop == nil {
		d.loop = inner.loop
	}
	if inner.isFired() {
		return d.resolve(inner.claim())
	}
	d.source, inner.follower = inner, d
	inner.attach(func() node { return d.resolve(inner.take()) })
	if called {
		cancelFrom(inner)
	}
	return nil
}

func (d *Deferred[T]) fail(err error) node {
	var none T
	return d.resolve(none, err)
}
