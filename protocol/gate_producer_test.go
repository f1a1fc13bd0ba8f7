package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A pull producer is resumed when nothing waits, in the Gate or below it; a push
// producer is stopped by the end. Either holds a close.
func TestGatePacesProducers(t *testing.T) {
	b, s := &bare{}, &source{}
	v, tr := gated(b)
	tr.Do(func() {
		assert.NoError(t, v.RegisterProducer(s, false))
		assert.ErrorIs(t, v.RegisterProducer(s, true), protocol.ErrProducer)
		assert.Empty(t, s.take())
	})
	assert.Equal(t, "resume", s.take())
	tr.Do(func() { fmt.Fprint(b, "one"); fmt.Fprint(b, "two") })
	assert.Empty(t, s.take())
	tr.Do(func() { v.Open(v.send) })
	assert.Equal(t, "resume", s.take())
	tr.Do(b.LoseConnection)
	assert.False(t, tr.Closed())
	tr.Do(func() { fmt.Fprint(b, "three"); v.UnregisterProducer(); v.UnregisterProducer() })
	assert.Equal(t, "onetwothree", tr.Take())
	assert.True(t, tr.Closed())

	b, s = &bare{}, &source{}
	v, tr = gated(b)
	tr.Do(func() { v.RegisterProducer(s, true); v.Abort() })
	assert.Equal(t, "stop", s.take())
	tr.Do(func() { v.RegisterProducer(s, true) })
	assert.Equal(t, "stop", s.take())
}

// A producer that was registered before the Gate was shut goes on, through it.
func TestGateTakesAProducerOver(t *testing.T) {
	b, s := &bare{}, &source{}
	g := protocol.Stack(&struct{ protocol.Gate }{}, b)
	tr := protocoltest.Connect(g)
	tr.Do(func() {
		assert.NoError(t, g.RegisterProducer(s, false))
		g.Shut()
	})
	assert.Equal(t, "resume", s.take())
	tr.Do(func() { fmt.Fprint(b, "x") })
	assert.Empty(t, s.take())
	tr.Do(func() { g.Open(func(p []byte) { g.Below.Write(p) }) })
	assert.Equal(t, "resume", s.take())
}

// A producer is paused and resumed in pairs before the Gate is shut, across that, and
// afterwards.
func TestGateTakesPausedProducersOver(t *testing.T) {
	b, s := &bare{}, &source{}
	g := protocol.Stack(&struct{ protocol.Gate }{}, b)
	tr := protocoltest.Connect(g)
	tr.Stall(true)
	tr.Do(func() {
		assert.NoError(t, g.RegisterProducer(s, true))
		b.Write(make([]byte, 300<<10))
	})
	assert.Equal(t, "pause", s.take())
	tr.Do(g.Shut)
	tr.Do(func() { b.Write(make([]byte, 300<<10)) })
	assert.Empty(t, s.take())
	tr.Stall(false)
	assert.Empty(t, s.take(), "the Gate is shut")
	tr.Do(func() { g.Open(func(p []byte) { g.Below.Write(p) }) })
	assert.Equal(t, "resume", s.take())
	tr.Stall(true)
	tr.Do(func() { b.Write(make([]byte, 300<<10)) })
	assert.Equal(t, "pause", s.take())
	tr.Stall(false)
	assert.Equal(t, "resume", s.take())
}

// A producer that comes when much waits already is paused at once, and one that goes
// leaves the reading to be paused instead of it.
func TestGatePausesLateProducers(t *testing.T) {
	b, s := &bare{}, &source{}
	g := protocol.Stack(&valve{opens: true}, b)
	tr := protocoltest.Connect(g)
	tr.Stall(true)
	tr.Do(func() { g.AfterFunc(0, func() { b.Write(make([]byte, 1<<20)) }) })
	tr.Do(func() {
		assert.False(t, b.Reading())
		assert.NoError(t, g.RegisterProducer(s, true))
	})
	assert.Equal(t, "pause", s.take())
	tr.Do(func() { assert.True(t, b.Reading()) })
	tr.Do(g.UnregisterProducer)
	tr.Do(func() { assert.False(t, b.Reading()) })
	tr.Stall(false)
	tr.Do(func() { assert.True(t, b.Reading()) })
	assert.Empty(t, s.take())
	tr.Receive("x")
	assert.Equal(t, "x", b.heard)
}

// A producer that comes when somebody has closed below the Gate is stopped.
func TestGateStopsProducersThatAreTooLate(t *testing.T) {
	b, s := &bare{}, &source{}
	v, tr := gated(b)
	tr.Do(func() {
		v.Below.LoseConnection()
		assert.NoError(t, v.RegisterProducer(s, true))
		assert.Equal(t, "stop", s.take())
		v.UnregisterProducer()
	})
	tr.EOF()
	assert.Empty(t, s.take())
}

// A producer that has not been told yet may go on writing, which is not kept.
func TestDroppedGateKeepsNothing(t *testing.T) {
	b, s := &bare{}, &source{}
	v, tr := gated(b)
	tr.Do(func() {
		assert.NoError(t, v.RegisterProducer(s, true))
		fmt.Fprint(b, "x")
		v.Drop()
		v.Below.LoseConnection()
		n, err := b.Write([]byte("more"))
		assert.Equal(t, 4, n)
		assert.NoError(t, err)
		assert.Zero(t, v.Waiting())
	})
	assert.Empty(t, tr.Take())
	tr.EOF()
	assert.Equal(t, "stop", s.take())
}

// What a producer writes when it is resumed at the end of an event leaves in that event,
// and what is let through a little at a time keeps its order, however much follows.
func TestGateKeepsItsOrder(t *testing.T) {
	b := &bare{}
	v, tr := gated(b)
	more := &resumed{}
	more.f = func() { fmt.Fprint(b, "more") }
	var want strings.Builder
	tr.Do(func() {
		assert.NoError(t, v.RegisterProducer(more, true))
		for n := range 40_000 {
			fmt.Fprintf(&want, "%07d\n", n)
			fmt.Fprintf(b, "%07d\n", n)
			if n < 5000 {
				v.Let(6, v.send)
			}
		}
	})
	tr.Do(func() { v.Open(v.send) })
	assert.True(t, want.String()+"more" == tr.Take())
}

// A resumed producer does something when it is.
type resumed struct {
	source
	f func()
}

func (r *resumed) ResumeProducing() { r.f() }
