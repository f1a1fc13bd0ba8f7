package loop

import (
	"time"

	"github.com/torsion-go/torsion/clock"
)

// A portTimer is a timer that dies with its port.
type portTimer struct {
	*timer
	port       *datagramPort
	next, prev *portTimer // of those that are ahead
	linked     bool
}

// AfterFunc sets a timer that dies with the port. A panic in f is logged.
func (d *datagramPort) AfterFunc(delay time.Duration, f func()) clock.Timer {
	d.loop.check()
	t := &portTimer{port: d}
	run := func() {
		t.unlink()
		d.loop.call("AfterFunc", f, f)
	}
	if d.reason != nil {
		t.timer = &timer{loop: d.loop, f: run}
		return t
	}
	t.timer = d.loop.setTimer(nil, delay, run)
	t.link()
	return t
}

func (t *portTimer) link() {
	if t.linked {
		return
	}
	d := t.port
	t.linked = true
	if t.next = d.timers; t.next != nil {
		t.next.prev = t
	}
	d.timers = t
}

func (t *portTimer) unlink() {
	if !t.linked {
		return
	}
	t.linked = false
	if t.next != nil {
		t.next.prev = t.prev
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		t.port.timers = t.next
	}
	t.next, t.prev = nil, nil
}

// Stop cancels the call and reports whether it was ahead.
func (t *portTimer) Stop() bool {
	t.unlink()
	return t.timer.Stop()
}

// Reset moves the call to delay from now.
func (t *portTimer) Reset(delay time.Duration) bool {
	t.loop.check()
	if t.port.reason != nil {
		return false
	}
	t.link()
	return t.timer.Reset(delay)
}

// stopTimers forgets the timers of a port that ends.
func (d *datagramPort) stopTimers() {
	for d.timers != nil {
		d.timers.Stop()
	}
	d.parked.stop()
	for _, t := range []*timer{d.late, d.again} {
		if t != nil {
			t.Stop()
		}
	}
}

var _ clock.Delayer = (*portTimer)(nil)
