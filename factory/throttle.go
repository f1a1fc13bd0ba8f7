package factory

import (
	"cmp"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/torsion-go/torsion/protocol"
)

// A Throttle bounds how many bytes per second connections send and receive. Put it
// around a factory by Around; several share the bounds in all if they are put into
// the same Throttle, also those of different loops. Its fields must not be changed
// afterwards.
//
// What is written waits until it may be sent, and counts in Buffered: writers are
// paused for it as for a slow peer. Of what is sent by a peer up to 256 KiB are
// received at once; it then is not read until the time for them has passed. Put a
// Throttle outside of TLS, so that it sees what goes over the network.
type Throttle struct {
	// Bytes per second of each connection, or of all within one Together; any number if
	// zero.
	Read, Write int

	// Bytes per second of all connections together; any number if zero. Those
	// that wait have their turn one after the other.
	TotalRead, TotalWrite int

	// Burst is how many bytes may go at once after a rest; those of one second if
	// zero, so that the first second may have twice the rate.
	Burst int

	once            sync.Once
	reading, writes *rate.Limiter // of all; nil: no limit
}

// Around returns f within the bounds. It panics if one of them is negative.
func (t *Throttle) Around(f Factory) Factory {
	t.begin()
	return Around(f, func(p protocol.Protocol, _ net.Addr) protocol.Protocol {
		return t.slow(p, t.limiter(t.Read), t.limiter(t.Write))
	})
}

// Together is Around, but Read and Write bound the connections of f in all: those that one
// client opens one after the other, as in FTP, where each would have a burst of its own.
func (t *Throttle) Together(f Factory) Factory {
	t.begin()
	reading, writes := t.limiter(t.Read), t.limiter(t.Write)
	return Around(f, func(p protocol.Protocol, _ net.Addr) protocol.Protocol { return t.slow(p, reading, writes) })
}

// begin checks the bounds, and makes what is shared.
func (t *Throttle) begin() {
	if min(t.Read, t.Write, t.TotalRead, t.TotalWrite, t.Burst) < 0 {
		panic("factory: a Throttle's bounds cannot be negative; 0 is none")
	}
	t.once.Do(func() { t.reading, t.writes = t.limiter(t.TotalRead), t.limiter(t.TotalWrite) })
}

// limiter returns one for so many bytes per second.
func (t *Throttle) limiter(perSecond int) *rate.Limiter {
	if perSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), cmp.Or(t.Burst, perSecond))
}

func (t *Throttle) slow(p protocol.Protocol, reading, writes *rate.Limiter) protocol.Protocol {
	return protocol.Stack(&slowed{reading: bucket{reading, t.reading}, writes: bucket{writes, t.writes}}, p)
}

// slowed is a connection that is throttled.
type slowed struct {
	protocol.Gate
	reading, writes bucket
	piece           int // bytes that wait for their time, which a timer knows; 0: none
}

func (s *slowed) ConnectionMade(t protocol.Transport) {
	if s.writes.limits() {
		s.Shut()
	}
	s.Gate.ConnectionMade(t)
}

// DataReceived hands data up, and then rests for as long as it should have taken.
func (s *slowed) DataReceived(data []byte) {
	wait := s.reading.take(s.Now(), len(data))
	if wait > 0 {
		s.AfterFunc(wait, s.Release) // before the protocol may have ended the connection
	}
	if s.Gate.DataReceived(data); wait > 0 {
		s.Hold()
	}
}

// Flush sends what may go now, and sets the time for the rest.
func (s *slowed) Flush() {
	s.Gate.Flush()
	for s.piece == 0 && s.Waiting() > 0 {
		s.piece = min(s.Waiting(), s.writes.piece())
		wait := s.writes.take(s.Now(), s.piece)
		if wait > 0 {
			s.AfterFunc(wait, s.due)
			return
		}
		s.send()
	}
}

// due is called when the time of a piece has come.
func (s *slowed) due() {
	s.send()
	_, _ = s.Below.Write(nil) // has Flush see to the next
}

func (s *slowed) send() {
	n := s.piece
	s.piece = 0
	s.Let(n, func(p []byte) { _, _ = s.Below.Write(p) }) // ConnectionLost tells
}

// A bucket is what one direction of a connection draws from: its own limiter, and
// that of all.
type bucket struct{ own, all *rate.Limiter }

func (b bucket) limits() bool { return b.own != nil || b.all != nil }

// piece is how many bytes are drawn at a time: those of a tenth of a second.
func (b bucket) piece() int {
	n := 64 << 10
	for _, l := range []*rate.Limiter{b.own, b.all} {
		if l != nil {
			n = min(n, max(1, int(l.Limit()/10)), l.Burst())
		}
	}
	return n
}

// take draws n bytes, and returns how long to wait for them.
func (b bucket) take(now time.Time, n int) (wait time.Duration) {
	for _, l := range []*rate.Limiter{b.own, b.all} {
		for left := n; l != nil && left > 0; {
			drawn := min(left, l.Burst()) // more cannot be drawn at once
			wait = max(wait, l.ReserveN(now, drawn).DelayFrom(now))
			left -= drawn
		}
	}
	return wait
}
