//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"context"
	"time"

	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/protocol"
)

// Stats are a reactor's figures. They are always counted, and cost an addition each.
type Stats struct {
	Connections int // now
	Ports       int // now
	Timers      int // ahead
	Calls       int // posted and not yet run
	Waiting     int // connections whose output waits for the end of a broadcast
	Jobs        int // work that waits for a goroutine
	Workers     int // goroutines at work

	Turns        uint64 // events handled
	Accepted     int64  // connections of ports, and adopted ones, that got a protocol
	Refused      int64  // connections whose factory built none
	AcceptErrors int64  // failures of accept, those out of descriptors included
	Shed         int64  // connections turned away for want of a descriptor
	ConnectFails int64  // client attempts that failed
	SlowPeers    int64  // connections ended with protocol.ErrSlowPeer
	Panics       int64  // of callbacks
	BytesRead    int64
	BytesWritten int64
	LongestTurn  time.Duration // of one in 32, and of those that the watchdog told of
}

// add adds the figures of another reactor.
func (s *Stats) add(o Stats) {
	s.Connections += o.Connections
	s.Ports += o.Ports
	s.Timers += o.Timers
	s.Calls += o.Calls
	s.Waiting += o.Waiting
	s.Jobs += o.Jobs
	s.Workers += o.Workers
	s.Turns += o.Turns
	s.Accepted += o.Accepted
	s.Refused += o.Refused
	s.AcceptErrors += o.AcceptErrors
	s.Shed += o.Shed
	s.ConnectFails += o.ConnectFails
	s.SlowPeers += o.SlowPeers
	s.Panics += o.Panics
	s.BytesRead += o.BytesRead
	s.BytesWritten += o.BytesWritten
	s.LongestTurn = max(s.LongestTurn, o.LongestTurn)
}

// Stats asks the loop for its figures, and so waits for the turn in progress,
// unless it is called on the loop itself. On another loop of the same Pool it does
// not wait: what that loop alone counts is then as it was at most 32 turns ago. The
// loops of reactors that are no pool must not ask each other, or may wait for ever.
func (r *Reactor) Stats() Stats {
	if s, ok := r.loop.FiguresBefore(); ok {
		return Stats(s)
	}
	if !r.loop.OnLoop() {
		if !r.loop.MayWait() {
			return Stats(r.loop.Published())
		}
		s, err := protocol.Ask(context.Background(), r.loop, r.loop.Figures)
		if err == nil {
			return Stats(s)
		}
		// The loop has ended, or is about to: nothing changes any more once it has.
		<-r.loop.Ended()
	}
	return Stats(r.loop.Figures())
}

var _ = loop.Stats(Stats{})
