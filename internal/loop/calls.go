package loop

import (
	"sync"

	"github.com/torsion-go/torsion/protocol"
)

// calls are the posted calls: a queue of our own, first in first out, of which
// the bell says that it is not empty.
type calls struct {
	mu      sync.Mutex
	waiting []func()
	rung    bool     // the bell has been rung and not been heard
	closed  bool     // nothing is taken or rung any more
	coming  int      // calls with connections of other loops that have not run
	running []func() // a batch of them, the loop's own
	ran     int      // so many of them, or are running
}

// Call runs f on the loop in a later turn. It may be called from anywhere.
func (l *Loop) Call(f func()) error {
	q := &l.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return protocol.ErrStopped
	}
	q.waiting = append(q.waiting, f)
	l.ringLocked()
	return nil
}

// ring has Bell called after the sockets that are ready now. Ringing and closing
// share a mutex: nothing rings after close, when the bell's descriptor may be
// somebody else's.
func (l *Loop) ring() {
	l.calls.mu.Lock()
	defer l.calls.mu.Unlock()
	l.ringLocked()
}

func (l *Loop) ringLocked() {
	if q := &l.calls; !q.rung && !q.closed {
		q.rung = true
		l.kernel.Wake()
	}
}

// Bell is for the kernel's driver: it runs the calls that were posted before,
// each in a turn of its own, and sends what broadcasts have queued. A call that
// is posted by another waits for the next bell, as it must, or it would hold up
// everybody; so do those of a batch for which there is no time.
func (l *Loop) Bell() {
	q := &l.calls
	q.mu.Lock()
	q.rung = false
	if len(q.running) == 0 {
		q.waiting, q.running = q.running, q.waiting
	} else if len(q.waiting) > 0 { // they come behind the batch
		l.ringLocked()
	}
	q.mu.Unlock()
	l.behind = false
	all := l.runCalls()
	if all && l.closing && !l.expects() {
		l.lastCall()
	}
	if l.config.Inline {
		l.workers.runInline()
	}
	l.flushWaiting()
	if len(l.later) > 0 {
		l.runLater()
	}
	if all && l.finishing && !l.finished.Load() && (l.forced || l.workers.stopIdle()) {
		l.finish()
	}
}

// runCalls runs a batch, as far as there is time, and reports whether that was all.
func (l *Loop) runCalls() (all bool) {
	q := &l.calls
	for s := l.newStint(len(q.running)-q.ran, stintLength); q.ran < len(q.running); {
		if s.over() {
			l.ring()
			return false
		}
		f := q.running[q.ran]
		q.running[q.ran] = nil
		q.ran++
		l.begin(nil)
		l.runCall(f)
		l.end()
	}
	q.running, q.ran = emptied(q.running), 0
	return true
}

func (l *Loop) runCall(f func()) {
	l.enter(nil, "Call", f)
	defer l.leaveCall()
	f()
}

// leaveCall is leave at the end of a turn: if the call has made a connection the turn
// has become that one's, and what it wrote is sent from where it lies.
func (l *Loop) leaveCall() {
	if v := recover(); v != nil {
		l.panicked(nil, v)
	}
	if l.dog != nil {
		l.dog.leave()
	}
}

// keepRunning puts the calls of a batch that was broken off back into the queue.
func (l *Loop) keepRunning() {
	q := &l.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.running[q.ran:], q.waiting...)
	q.running, q.ran = nil, 0
}

// closeCalls runs the calls that were accepted and refuses any more.
func (l *Loop) closeCalls() {
	q := &l.calls
	q.mu.Lock()
	q.closed = true
	q.waiting, q.running = nil, q.waiting
	q.mu.Unlock()
	for !l.runCalls() {
	}
}
