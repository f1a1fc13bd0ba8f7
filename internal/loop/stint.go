package loop

import "runtime"

const (
	stintLength = 1_000_000 // ns that a stint lasts
	flushLength = 4_000_000 // of one that sends what many are to hear: broken off, it sends more often
	stintLook   = 4         // turns or groups of a stint between two looks at the clock
	yieldAfter  = 1_000_000 // ns without letting other goroutines run
)

// A stint is as much of a run of turns (of due timers, posted calls, connections that
// something is owed to), or of groups that wait for the bell, as there is time for before
// the sockets have their turn again. Who breaks a run off there has the kernel arm or ring
// for the rest.
type stint struct {
	loop  *Loop
	start int64
	most  int64 // ns that it lasts
	asked int
}

// newStint begins a run of n. A short one needs no clock.
func (l *Loop) newStint(n int, most int64) stint {
	s := stint{loop: l, most: most}
	if n >= stintLook {
		s.start = l.kernel.Nanos()
	}
	return s
}

// over is asked before each turn of the run.
func (s *stint) over() bool {
	if s.asked++; s.asked%stintLook != 0 {
		return false
	}
	now := s.loop.kernel.Nanos()
	if now-s.start <= s.most {
		return false
	}
	s.loop.yield(now)
	return true
}

// yield lets other goroutines run on a loop that never sleeps.
func (l *Loop) yield(now int64) {
	if now-l.yielded > yieldAfter {
		l.yielded = now
		runtime.Gosched()
	}
}
