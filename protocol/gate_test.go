package protocol_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
	"github.com/torsion-go/torsion/reactortest"
)

// A valve is a Gate that is shut from the beginning, and opened by whoever holds it.
type valve struct {
	protocol.Gate
	opens bool // at once
}

func (v *valve) ConnectionMade(t protocol.Transport) {
	v.Shut()
	if v.opens {
		v.Open(v.send)
	}
	v.Gate.ConnectionMade(t)
}

func (v *valve) send(p []byte) { v.Below.Write(p) }

// A dripping valve lets so many bytes through each time that it is looked at.
type dripping struct {
	valve
	n int
}

func (d *dripping) Flush() {
	d.valve.Flush()
	d.Let(d.n, d.send)
	if d.Waiting() > 0 {
		d.AfterFunc(time.Microsecond, func() { d.Below.Write(nil) })
	}
}

// What holds for a connection holds through a Gate, whether it is open or lets
// through a little at a time.
func TestConformanceOfGates(t *testing.T) {
	column := func(name string, layer func(above protocol.Protocol) protocol.Protocol) reactortest.Harness {
		h := reactortest.OverMemory()
		h.Name = name
		h.Wrap = func(f factory.Factory, _ bool) factory.Factory { return under{f, layer} }
		return h
	}
	reactortest.Test(t,
		column("open", func(above protocol.Protocol) protocol.Protocol {
			return protocol.Stack(&valve{opens: true}, above)
		}),
		column("drip", func(above protocol.Protocol) protocol.Protocol {
			return protocol.Stack(&dripping{n: 50_000}, above)
		}))
}

// under puts a layer under what a factory builds.
type under struct {
	factory.Factory
	layer func(above protocol.Protocol) protocol.Protocol
}

func (u under) Inner() any { return u.Factory }

func (u under) BuildProtocol(peer net.Addr) protocol.Protocol {
	if p := u.Factory.BuildProtocol(peer); p != nil {
		return u.layer(p)
	}
	return nil
}

// gated is p over a valve that is shut.
func gated(p protocol.Protocol) (*valve, *protocoltest.Transport) {
	v := protocol.Stack(&valve{}, p)
	return v, protocoltest.Connect(v)
}

// Until it is shut a Gate is a layer like any other.
func TestGateIsALayerUntilShut(t *testing.T) {
	b := &bare{}
	g := protocol.Stack(&struct{ protocol.Gate }{}, b)
	tr := protocoltest.Connect(g)
	tr.Do(func() {
		b.Write([]byte("a"))
		g.WriteShared([]byte("b"))
		assert.Zero(t, g.Waiting())
		assert.Equal(t, 2, b.Buffered())
	})
	assert.Equal(t, "ab", tr.Take())
	tr.Do(b.CloseWrite)
	assert.True(t, tr.Closed())
	tr.Do(b.LoseConnection)
	tr.EOF()
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
}

// What was written while it was shut goes through when it opens, in order, and a
// last word behind it before the end.
func TestGateHoldsWritesAndEnds(t *testing.T) {
	for _, end := range []func(b *bare){func(b *bare) { b.LoseConnection() }, func(b *bare) { b.CloseWrite() }} {
		b := &bare{}
		v, tr := gated(b)
		v.Goodbye = func() { fmt.Fprint(v.Below, "goodbye") }
		tr.Do(func() {
			fmt.Fprint(b, "one ")
			b.Write(append(v.AvailableBuffer(), "two "...))
			v.WriteShared([]byte("three "))
			assert.Equal(t, 14, b.Buffered())
			end(b)
			_, err := b.Write([]byte("late"))
			assert.ErrorIs(t, err, net.ErrClosed)
		})
		assert.Empty(t, tr.Take())
		assert.False(t, tr.Closed())
		tr.Do(func() { v.Let(2, v.send) })
		assert.Equal(t, "on", tr.Take())
		tr.Do(func() { v.Open(v.send) })
		assert.Equal(t, "e two three goodbye", tr.Take())
		assert.True(t, tr.Closed())
		tr.EOF()
		assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	}
}

// What is written in one event goes through in one piece, and much at once.
func TestOpenGateGathersAnEvent(t *testing.T) {
	b := &bare{}
	v, tr := gated(b)
	var pieces []int
	tr.Do(func() { v.Open(func(p []byte) { pieces = append(pieces, len(p)); v.send(p) }) })
	tr.Do(func() { fmt.Fprint(b, "one"); fmt.Fprint(b, "two"); fmt.Fprint(b, "three") })
	assert.Equal(t, []int{11}, pieces)
	pieces = nil
	tr.Do(func() {
		v.AfterFunc(0, func() { fmt.Fprint(b, "x"); b.Write(make([]byte, 100_000)); fmt.Fprint(b, "y") })
	})
	assert.Equal(t, []int{1, 100_000, 1}, pieces)
	assert.Len(t, tr.Take(), 11+100_002)
}

// What others write for a Gate that is shut is bounded; what its own protocol does
// is paced instead.
func TestGateBoundsWhatOthersWrite(t *testing.T) {
	b := &bare{}
	v, tr := gated(b)
	tr.Do(func() { v.AfterFunc(0, func() { b.Write(make([]byte, 3<<20)) }) })
	assert.Equal(t, 3<<20, v.Waiting())
	assert.NoError(t, tr.Lost())
	for range 1000 {
		tr.Do(func() { b.Write(make([]byte, 10_000)) })
	}
	assert.ErrorIs(t, tr.Lost(), protocol.ErrSlowPeer)
	assert.Zero(t, v.Waiting())
}

// Writers are paused for what waits in the Gate as for what waits below, in pairs,
// and never inside their own calls.
func TestGatePausesWriters(t *testing.T) {
	f, s := &full{}, &source{}
	v, tr := gated(f)
	tr.Do(func() {
		assert.NoError(t, v.RegisterProducer(s, true))
		f.Write(make([]byte, 300<<10))
		assert.Empty(t, f.take()+s.take())
	})
	assert.Equal(t, "pause", f.take())
	assert.Equal(t, "pause", s.take())
	tr.Stall(true)
	tr.Do(func() { v.Open(v.send) })
	assert.Empty(t, f.take()+s.take(), "now it waits below")
	tr.Stall(false)
	assert.Equal(t, "resume", f.take())
	assert.Equal(t, "resume", s.take())
}

// Who does not pace himself is not read while too much waits in the Gate.
func TestGatePausesReading(t *testing.T) {
	b := &bare{}
	v, tr := gated(b)
	tr.Do(func() {
		b.Write(make([]byte, 300<<10))
		assert.False(t, v.Reading(), "at once")
	})
	tr.Receive("x")
	assert.Empty(t, b.heard)
	tr.Do(func() { v.Open(v.send) })
	assert.Equal(t, "x", b.heard)
}

// One read full of small requests with large answers stays bounded, and is answered
// whole, also if the peer takes everything at once.
func TestGateBoundsLargeAnswers(t *testing.T) {
	for _, stalled := range []bool{true, false} {
		a := newAnswerer()
		a.line = func(string) {
			a.lines++
			for range 16 {
				a.Write(make([]byte, 4<<10))
			}
			a.most = max(a.most, a.Buffered())
		}
		tr := protocoltest.Connect(protocol.Stack(&valve{opens: true}, a))
		tr.Stall(stalled)
		tr.Receive(strings.Repeat("\r\n", 100))
		assert.Less(t, a.most, 600<<10)
		tr.Stall(false)
		for range 100 {
			tr.Take()
		}
		assert.Equal(t, 100, a.lines)
		assert.Less(t, a.most, 600<<10)
	}
}

// Drained waits for the Gate too, and is told the reason where that does not open.
func TestDrainedWaitsForTheGate(t *testing.T) {
	b := &bare{}
	v, tr := gated(b)
	var told []string
	note := func(name string) func(error) {
		return func(err error) { told = append(told, fmt.Sprint(name, " ", err)) }
	}
	tr.Do(func() {
		v.Drained(note("nothing"))
		fmt.Fprint(b, "one")
		v.Drained(note("one"))
		fmt.Fprint(b, "two")
		v.Drained(note("two"))
	})
	assert.Equal(t, []string{"nothing <nil>"}, told)
	tr.Do(func() { v.Let(3, v.send) })
	assert.Equal(t, []string{"nothing <nil>", "one <nil>"}, told)
	tr.Do(func() { v.SetReason(errors.New("why")); b.Abort() })
	assert.Equal(t, []string{"nothing <nil>", "one <nil>", "two why"}, told)
}

// A peer that takes nothing, and a producer that says nothing, are waited for no
// longer behind a Gate than without one.
func TestGateIsPatientAsItsTransport(t *testing.T) {
	b, s := &bare{}, &source{}
	v, tr := gated(b)
	tr.Do(func() { v.RegisterProducer(s, true); b.LoseConnection() })
	tr.Advance(29 * time.Second)
	assert.NoError(t, tr.Lost())
	tr.Advance(2 * time.Second)
	assert.ErrorIs(t, tr.Lost(), protocol.ErrCloseTimeout)
	assert.Equal(t, "stop", s.take())
}

// While its author reads on, for itself, pauses stop only what goes up; ReadResumed
// is still owed, and an end waits.
func TestGateMayReadOn(t *testing.T) {
	f := &full{}
	v, tr := gated(f)
	tr.Do(func() {
		v.ReadOn(true)
		f.PauseReading()
		assert.False(t, v.Reading())
		assert.True(t, v.Below.Reading())
		f.ResumeReading()
	})
	tr.Advance(0)
	assert.Equal(t, "read", f.take())
	tr.Do(func() { f.PauseReading(); f.Write([]byte("owed")); f.LoseConnection() })
	tr.Do(func() {
		assert.True(t, v.Below.Reading())
		v.ReadOn(false)
		v.Open(v.send)
	})
	assert.Equal(t, "owed", tr.Take())
	assert.True(t, tr.Closed())
}

// A Gate that fails has what waits forgotten, and nothing more sent.
func TestDroppedGateSendsNothing(t *testing.T) {
	b := &bare{}
	v, tr := gated(b)
	tr.Do(func() {
		fmt.Fprint(b, strings.Repeat("x", 100))
		v.Drop()
		_, err := b.Write([]byte("y"))
		assert.ErrorIs(t, err, net.ErrClosed)
		v.Below.Write([]byte("alert"))
		v.Below.LoseConnection()
	})
	assert.Equal(t, "alert", tr.Take())
	assert.True(t, tr.Closed())
}
