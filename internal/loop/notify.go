package loop

import (
	"slices"

	"github.com/torsion-go/torsion/protocol"
)

// A mark is a place in the output: f is called when the kernel has taken all
// before it.
type mark struct {
	at   int64
	what string // f is
	f    func(error)
}

// An ending is one Ended call.
type ending struct{ f func(error) }

// Drained calls f when the kernel has taken all that was written so far.
func (c *Conn) Drained(f func(error)) {
	c.loop.check()
	if c.facts&told != 0 {
		reason := c.reason()
		c.later(func() { f(reason) })
		return
	}
	c.mark("Drained", f)
}

// mark has f told when all that was written so far has been taken, or why not.
func (c *Conn) mark(what string, f func(error)) {
	r := c.extra()
	r.drained = append(r.drained, mark{c.sent + int64(c.Buffered()), what, f})
	c.facts |= attends
	c.touch()
}

// Ended calls f before ConnectionLost.
func (c *Conn) Ended(f func(reason error)) (forget func()) {
	c.loop.check()
	e := &ending{f}
	if c.facts&told != 0 {
		reason := c.reason()
		c.later(func() {
			if e.f != nil {
				e.f(reason)
			}
		})
		return func() { e.f = nil }
	}
	r := c.extra()
	r.endings = append(r.endings, e)
	return func() {
		e.f = nil
		r.endings = slices.DeleteFunc(r.endings, func(o *ending) bool { return o == e })
	}
}

// later tells somebody who asked too late.
func (c *Conn) later(f func()) {
	if c.loop.Call(f) != nil {
		f() // in the last calls of all: there is no later
	}
}

// SetReason decides what ConnectionLost will be told.
func (c *Conn) SetReason(err error) {
	c.loop.check()
	if c.facts&told == 0 && c.extra().reason == nil {
		c.rare.reason = err
	}
}

// RegisterProducer makes p the source of c's output.
func (c *Conn) RegisterProducer(p protocol.Producer, streaming bool) error {
	c.loop.check()
	if c.noWrite != 0 {
		p.StopProducing()
		return nil
	}
	r := c.extra()
	if r.producer != nil {
		return protocol.ErrProducer
	}
	r.producer, r.streaming, r.pulledAt = p, streaming, -1
	c.facts |= attends
	switch {
	case c.noRead&full != 0: // from now on the producer is what is paused
		c.noRead &^= full
		c.readable()
	case streaming && c.facts&toldPause != 0:
		p.PauseProducing()
	}
	c.touch()
	return nil
}

// UnregisterProducer lets a close go on.
func (c *Conn) UnregisterProducer() {
	c.loop.check()
	if c.rare == nil || c.rare.producer == nil {
		return
	}
	c.rare.producer = nil
	if c.noRead&(closing|ended) != 0 || c.facts&halfClosing != 0 {
		c.noWrite |= noMore
	}
	if c.facts&aboveHigh != 0 && !c.pacesItself() {
		c.facts &^= toldPause
		c.noRead |= full
	}
	c.touch()
}

// tellDrained calls the marks that have been passed.
func (c *Conn) tellDrained() {
	r := c.rare
	if len(r.drained) > 0 && r.drained[0].at <= c.sent && r.drainedIn == c.loop.turns {
		c.owe(0) // one that always asks again holds up nobody
		return
	}
	c.tellPassed()
	if len(r.drained) == 0 {
		r.drained = nil
		if r.producer == nil {
			c.facts &^= attends
		}
	}
}

// tellPassed calls those that have been passed by now.
func (c *Conn) tellPassed() {
	r := c.rare
	for n := len(r.drained); n > 0 && r.drained[0].at <= c.sent; n-- {
		r.drainedIn = c.loop.turns
		m := r.drained[0]
		r.drained = r.drained[1:]
		c.call(m.what, func() { m.f(nil) })
	}
}

// pull resumes a pull producer when all that it wrote was taken, in a turn of its
// own, so that one whose peer takes everything at once holds up nobody.
func (c *Conn) pull() {
	if r := c.rare; r.producer != nil && !r.streaming && c.queue.size == 0 && c.sent > r.pulledAt {
		c.owe(pullOwed)
	}
}

// tellRare tells the end to those who wait in rare.
func (c *Conn) tellRare(reason error) {
	r := c.rare
	if r == nil {
		return
	}
	if p := r.producer; p != nil {
		r.producer = nil
		c.call("StopProducing", p.StopProducing)
	}
	for len(r.drained) > 0 {
		m := r.drained[0]
		r.drained = r.drained[1:]
		c.call(m.what, func() { m.f(reason) })
	}
	for len(r.endings) > 0 {
		e := r.endings[0]
		r.endings = r.endings[1:]
		c.call("Ended", func() { e.f(reason) })
	}
	*r = rare{reason: r.reason}
}
