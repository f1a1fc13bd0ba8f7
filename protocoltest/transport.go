// Package protocoltest tests protocols without a network: a Transport that
// remembers what was written and plays the peer, a Pump that joins two
// protocols, Cuts that divide input as a network may, and Transcripts.
//
// The transports are those of a real reactor, over sockets and a clock in
// memory. So they are exactly as strict, and a test of a protocol is
// deterministic and takes no time. A panic in a callback is logged, as a reactor
// does, and ends the connection. Each Transport has a loop and a clock of its
// own, so protocols that write to each other (a group, a room) are tested together
// on a reactortest.Memory. Each method of Transport that plays the peer
// or the clock is complete when it returns: all that follows from it has happened,
// the work of a protocol.Worker included, which is done on the test's goroutine.
package protocoltest

import (
	"log/slog"
	"net"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// A Transport is what its protocol was given, and its peer. The methods of the
// embedded protocol.Transport belong to the loop as always: call them from the
// protocol or inside Do.
type Transport struct {
	protocol.Transport
	side

	end     *memnet.End
	unsent  []byte // of Receive, while the protocol does not read
	stalled bool
	ended   bool // EOF, to be sent behind unsent
}

// side is one protocol on a loop in memory.
type side struct {
	kernel *memnet.Kernel
	tap    *tap
	lost   error
}

var (
	ours   = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7}
	theirs = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 50000}
)

// Connect connects p. It has heard ConnectionMade when Connect returns.
func Connect(p protocol.Protocol) *Transport {
	k := newKernel()
	fd, end := k.Pair(ours, theirs)
	t := &Transport{side: side{kernel: k}, end: end}
	t.Transport = t.adopt(p, fd, theirs)
	t.run()
	return t
}

func newKernel() *memnet.Kernel {
	k := memnet.New(loop.Config{Logger: slog.Default(), Inline: true, Watchdog: -1})
	if _, err := k.Loop.Start(); err != nil {
		panic(err) // it is new
	}
	return k
}

// adopt gives p the socket fd and returns its transport.
func (s *side) adopt(p protocol.Protocol, fd int, peer net.Addr) (t protocol.Transport) {
	s.tap = &tap{Protocol: p, side: s}
	err := s.kernel.Loop.Adopt(fd, peer, factory.Each(func() protocol.Protocol { return s.tap }), factory.Socket{}, nil)
	if err != nil {
		panic(err) // the loop is new
	}
	s.kernel.Loop.Enter()
	s.kernel.Settle()
	return s.tap.t
}

// A tap stands between the loop and the protocol to see the transport and the end.
type tap struct {
	protocol.Protocol
	side *side
	t    protocol.Transport
}

func (t *tap) Inner() any { return t.Protocol }

func (t *tap) ConnectionMade(tr protocol.Transport) {
	t.t = tr
	protocol.Connect(t.Protocol, tr)
}

func (t *tap) ConnectionLost(reason error) {
	t.side.lost = reason
	t.Protocol.ConnectionLost(reason)
}

// run lets the loop do all that it has to do.
func (t *Transport) run() {
	t.kernel.Loop.Enter() // tests may use several goroutines, one after the other
	t.kernel.Settle()
	for n := -1; n != 0; t.kernel.Settle() {
		n = t.end.Write(t.unsent)
		t.unsent = t.unsent[n:]
	}
	if t.ended && len(t.unsent) == 0 {
		t.end.CloseWrite()
		t.kernel.Settle()
	}
	if c, ok := protocol.As[*loop.Conn](t.Transport); ok && c.Losing() && t.end.Ended() && !t.stalled {
		t.end.CloseWrite() // a peer that has got our FIN answers with its own
		t.kernel.Settle()
	}
}

// Receive has the peer send s. What the protocol does not read, because it is
// paused, it gets when it has resumed.
func (t *Transport) Receive(s string) {
	t.unsent = append(t.unsent, s...)
	t.run()
}

// EOF has the peer end its side of the connection.
func (t *Transport) EOF() {
	t.ended = true
	t.run()
}

// Reset has the peer break the connection.
func (t *Transport) Reset() {
	t.end.Reset()
	t.run()
}

// Shutdown tells the protocol that the server is going down, as a reactor that is
// stopped does: one that is no protocol.Shutdowner loses the connection.
func (t *Transport) Shutdown() {
	s, ok := protocol.As[protocol.Shutdowner](t.tap.Protocol)
	if !ok {
		s = loser{t.Transport}
	}
	t.Do(s.Shutdown)
}

type loser struct{ protocol.Transport }

func (l loser) Shutdown() { l.LoseConnection() }

// Do runs f on the loop, as a posted call.
func (t *Transport) Do(f func()) {
	_ = t.kernel.Loop.Call(f) // this loop never stops
	t.run()
}

// Advance moves the clock, and runs what comes due on the way at its time.
func (t *Transport) Advance(d time.Duration) {
	t.kernel.Loop.Enter()
	t.kernel.Advance(d)
	t.run()
}

// Take returns what has been sent since the last Take.
func (t *Transport) Take() string {
	p := t.end.Read()
	t.run()
	return string(p)
}

// Stall has the peer take nothing more, nor answer a close, or ends that.
func (t *Transport) Stall(stalled bool) {
	t.stalled = stalled
	if stalled {
		t.end.Room(0)
	} else {
		t.end.Room(1 << 30)
	}
	t.run()
}

// Closed reports whether the peer has been told that no more will come, by a FIN
// or a RST.
func (t *Transport) Closed() bool { return t.end.Ended() }

// Lost is the reason that ConnectionLost was given; nil before.
func (s *side) Lost() error { return s.lost }

// Timers returns how many timers are ahead, so that a test sees that none leaked.
func (s *side) Timers() int { return s.kernel.Loop.Figures().Timers }
