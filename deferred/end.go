package deferred

import (
	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocol"
)

// A stopper is a Loop that tells its end: f is called once, on the loop, when
// all else has ended there. forget takes that back. Loops of this module are.
type stopper interface {
	WhenStopped(f func()) (forget func())
}

// whenEnded has f called, with the reason, when the connection or loop ends
// whose clock c is, if that tells.
func whenEnded(c clock.Clock, f func(reason error)) (forget func()) {
	if t, ok := c.(protocol.Transport); ok {
		if n, ok := protocol.As[protocol.Notifier](t); ok {
			return n.Ended(f)
		}
		c = t.Loop()
	}
	if s, ok := c.(stopper); ok {
		return s.WhenStopped(func() { f(protocol.ErrStopped) })
	}
	return func() {}
}

// loopOf is the loop whose clock c is, or on which its connection lives; nil for
// other clocks.
func loopOf(c clock.Clock) protocol.Loop {
	switch c := c.(type) {
	case protocol.Transport:
		return c.Loop()
	case protocol.Loop:
		return c
	}
	return nil
}

// abort ends the connection whose clock c is, if it is one, as a panic does.
func abort(c clock.Clock, err error) {
	t, ok := c.(protocol.Transport)
	if !ok {
		return
	}
	if n, ok := protocol.As[protocol.Notifier](t); ok {
		n.SetReason(err)
	}
	t.Abort()
}
