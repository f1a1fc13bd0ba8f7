package netconn

import (
	"sync"
	"time"
)

// A deadline is when those who wait are sent away, by the wall clock, as that is
// what callers compute it with. It is guarded by the mutex of its conn.
type deadline struct {
	at      time.Time // zero: never
	past    bool
	timer   *time.Timer // nil until it is needed
	waiting *sync.Cond
}

// set moves the deadline, also away from the past.
func (d *deadline) set(at time.Time) {
	d.at, d.past = at, false
	if d.timer != nil {
		d.timer.Stop()
	}
	d.look()
}

// look is done when the deadline may have come. If it was moved when the timer ran
// already, it has not.
func (d *deadline) look() {
	if d.at.IsZero() {
		return
	}
	switch left := time.Until(d.at); {
	case left <= 0:
		d.past = true
		d.waiting.Broadcast()
	case d.timer == nil:
		d.timer = time.AfterFunc(left, d.due)
	default:
		d.timer.Reset(left)
	}
}

func (d *deadline) due() {
	d.waiting.L.Lock()
	defer d.waiting.L.Unlock()
	d.look()
}
