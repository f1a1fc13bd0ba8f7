package loop

import (
	"slices"
	"sync"

	"github.com/torsion-go/torsion/protocol"
)

// calls are the posted calls: a queue of our own, first in first out, of which
// the bell says that it is not empty.
type calls struct {
	mu      sync.Mutex
	waiting []func()
	rung    bool // the bell has been rung and not been heard
	closed  bool // nothing is taken or rung any more
	running []func()
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
// posts another waits for the next bell, as it must, or it would hold up
// everybody.
func (l *Loop) Bell() {
	q := &l.calls
	q.mu.Lock()
	q.rung = false
	q.waiting, q.running = q.running[:0], q.waiting
	q.mu.Unlock()
	l.runCalls()
	if l.closing && !l.expects() {
		l.lastCall()
	}
	if l.config.Inline {
		l.workers.runInline()
	}
	l.flushWaiting()
	if len(l.later) > 0 {
		l.runLater()
	}
	if l.finishing && !l.finished.Load() && (l.forced || l.workers.stopIdle()) {
		l.finish()
	}
}

func (l *Loop) runCalls() {
	q := &l.calls
	for i, f := range q.running {
		q.running[i] = nil
		l.begin(nil)
		l.runCall(f)
		l.end()
	}
	if cap(q.running) > 4096 {
		q.running = nil
	}
}

func (l *Loop) runCall(f func()) {
	prev := l.enter(nil, "Call", f)
	defer l.leave(nil, prev)
	f()
}

// keepRunning puts the calls of a batch that was broken off back into the queue.
func (l *Loop) keepRunning() {
	q := &l.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	left := slices.DeleteFunc(q.running, func(f func()) bool { return f == nil })
	q.waiting, q.running = append(left, q.waiting...), nil
}

// closeCalls runs the calls that were accepted and refuses any more.
func (l *Loop) closeCalls() {
	q := &l.calls
	q.mu.Lock()
	q.closed = true
	q.waiting, q.running = nil, q.waiting
	q.mu.Unlock()
	l.runCalls()
}
