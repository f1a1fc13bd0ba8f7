package loop

import "time"

// Stats are the figures of one loop.
type Stats struct {
	Connections int // now
	Ports       int // now
	Timers      int // ahead
	Calls       int // posted and not yet run
	Waiting     int // connections whose output waits for the bell
	Jobs        int // work waiting for a goroutine
	Workers     int // goroutines at work

	// These only grow. They are the loop's own, so each costs an addition.
	Turns        uint64 // events handled
	Accepted     int64  // connections of ports, and adopted ones, that got a protocol
	Refused      int64  // connections whose factory built none
	AcceptErrors int64  // failures of accept, those out of descriptors included
	Shed         int64  // connections turned away for want of a descriptor
	ConnectFails int64  // client attempts that failed
	SlowPeers    int64  // connections ended with ErrSlowPeer
	Panics       int64  // of user code
	BytesRead    int64
	BytesWritten int64
	LongestTurn  time.Duration // of one in 32, and of those that the watchdog told of
}

// FiguresBefore are those of a loop that has not begun to run; false if it has.
func (l *Loop) FiguresBefore() (Stats, bool) {
	l.lifeMu.Lock()
	defer l.lifeMu.Unlock()
	if l.started {
		return Stats{}, false
	}
	return l.Figures(), true
}

// Figures are for the loop, or where it does not run.
func (l *Loop) Figures() Stats { return l.withShared(l.own()) }

// own are the figures that only the loop may read.
func (l *Loop) own() Stats {
	s := l.stats
	s.Ports, s.Timers, s.Waiting = len(l.ports)+len(l.datagrams.open), l.timers.len(), len(l.waiting)
	s.Turns, s.Calls = l.turns, len(l.calls.running)-l.calls.ran
	return s
}

// withShared adds those that anybody may read.
func (l *Loop) withShared(s Stats) Stats {
	s.Connections = int(l.conns.Load())
	l.calls.mu.Lock()
	s.Calls += len(l.calls.waiting)
	l.calls.mu.Unlock()
	s.Workers, s.Jobs = l.workers.load()
	return s
}
