package loop

import (
	runtimedebug "runtime/debug"
	"sync"

	"github.com/torsion-go/torsion/protocol"
)

// workers run blocking work. Their goroutines exist only while there is some. With
// Config.Inline there are none, and the bell runs the work.
type workers struct {
	loop    *Loop
	mu      sync.Mutex
	jobs    []func()
	busy    int // goroutines
	stopped bool

	accepted uint64 // jobs, ever
	idleAt   uint64 // what accepted was when stopIdle found none
}

// Work runs f on a goroutine of the pool.
func (l *Loop) Work(f func()) error {
	w := &l.workers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return protocol.ErrStopped
	}
	w.accepted++
	w.jobs = append(w.jobs, f)
	if l.config.Inline {
		l.ring()
	} else if w.busy < max(1, either(l.config.Workers, 4)) {
		w.busy++
		go w.run()
	}
	return nil
}

// run does jobs until there are none. A job that ends its goroutine by
// runtime.Goexit is replaced.
func (w *workers) run() {
	done := false
	defer func() {
		if !done {
			go w.run()
		}
	}()
	for {
		w.mu.Lock()
		if len(w.jobs) == 0 {
			w.busy--
			w.mu.Unlock()
			done = true
			if w.loop.stopping.Load() { // it may be what Stop waits for
				_ = w.loop.Call(w.loop.checkIdle)
			}
			return
		}
		f := w.jobs[0]
		w.jobs[0] = nil
		w.jobs = w.jobs[1:]
		w.mu.Unlock()
		w.do(f)
	}
}

// runInline does the jobs that wait. Those that they add wait for the next bell.
func (w *workers) runInline() {
	w.mu.Lock()
	jobs := w.jobs
	w.jobs, w.busy = nil, len(jobs)
	w.mu.Unlock()
	for _, f := range jobs {
		w.do(f)
	}
	w.mu.Lock()
	w.busy = 0
	w.mu.Unlock()
	w.loop.checkIdle()
}

func (w *workers) do(f func()) {
	defer func() {
		if v := recover(); v != nil {
			w.loop.Logger().Error("panic in a worker", "panic", v, "stack", string(runtimedebug.Stack()))
		}
	}()
	f()
}

// stop refuses more work, and forgets what has not begun. Unless the time to
// drain was up, there is none.
func (w *workers) stop() {
	w.mu.Lock()
	w.stopped, w.jobs = true, nil
	w.mu.Unlock()
}

// stopIdle refuses more work, unless there still is some. The calls that the last
// of it has posted may wait, and ask for more: that there is none counts when
// these have run, which is at the next bell.
func (w *workers) stopIdle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.busy+len(w.jobs) > 0:
	case w.accepted > w.idleAt:
		w.idleAt = w.accepted
		w.loop.ring()
	default:
		w.stopped = true
	}
	return w.stopped
}

// load returns how many goroutines are at work and how many jobs wait for one.
func (w *workers) load() (busy, waiting int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy, len(w.jobs)
}
