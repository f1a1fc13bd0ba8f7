package protocol_test

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A spur does something when it may write again.
type spur struct {
	full
	resumed func()
}

func (s *spur) ResumeWriting() {
	s.full.ResumeWriting()
	s.resumed()
}

// twoGates is p over an open Gate over one that is shut.
func twoGates(p protocol.Protocol) (upper, lower *valve, tr *protocoltest.Transport) {
	upper = protocol.Stack(&valve{opens: true}, p)
	lower, tr = gated(upper)
	return upper, lower, tr
}

// let lets n bytes through v, in pieces, each in an event of its own.
func let(tr *protocoltest.Transport, v *valve, n int) {
	for ; n > 0; n -= 10_000 {
		tr.Do(func() { v.Let(min(n, 10_000), v.send) })
	}
}

// What is written by who is resumed at the end of an event leaves in that event through
// all Gates, and so does what he writes afterwards.
func TestWhoIsResumedWritesThroughAllGates(t *testing.T) {
	s := &spur{}
	s.resumed = func() { fmt.Fprint(s, "more") }
	_, lower, tr := twoGates(s)
	tr.Do(func() { s.Write(make([]byte, 300_000)) })
	let(tr, lower, 290_000)
	assert.Equal(t, "pause resume", s.take())
	assert.Equal(t, 10_004, lower.Waiting())
	tr.Do(func() { lower.Open(lower.send) })
	tr.Do(func() { fmt.Fprint(s, ", and more") })
	assert.Equal(t, "more, and more", tr.Take()[300_000:])
}

// Who does not pace himself reads on when a Gate that has passed on his end has room
// again, also above another Gate.
func TestReadingGoesOnAboveTwoGates(t *testing.T) {
	b := &bare{}
	_, lower, tr := twoGates(b)
	tr.Stall(true)
	tr.Do(func() { b.Write(make([]byte, 600_000)); b.CloseWrite() })
	let(tr, lower, 400_000)
	tr.Do(func() {
		assert.False(t, b.Reading())
		lower.Open(lower.send)
	})
	tr.Stall(false)
	assert.Len(t, tr.Take(), 600_000)
	tr.Receive("x")
	assert.Equal(t, "x", b.heard)
}

// Neither in front of a file nor of the file anything waits in a Gate that was aborted.
func TestAbortedGateHasNothingWaiting(t *testing.T) {
	b := &bare{}
	v, tr := gated(b)
	tr.Do(func() {
		fmt.Fprint(b, "text")
		v.SendFile(hosttest.File(t, []byte("file")), 0, -1, func(int64, error) {})
		assert.Equal(t, 4, v.Waiting())
		b.Abort()
		assert.Zero(t, v.Waiting())
	})
	b = &bare{}
	v, tr = gated(b)
	tr.Do(func() { v.SendFile(hosttest.File(t, []byte("file")), 0, -1, func(int64, error) {}); v.Waiting() })
	tr.Do(func() {
		assert.Equal(t, 4, v.Waiting(), "has been read")
		b.Abort()
		assert.Zero(t, v.Waiting())
	})
}

// A Gate that was dropped neither sends nor reads files.
func TestDroppedGateSendsNoFile(t *testing.T) {
	for _, text := range []string{"", "text"} {
		b := &bare{}
		v, tr := gated(b)
		sent, told := int64(-1), error(nil)
		tr.Do(func() {
			fmt.Fprint(b, text)
			v.SendFile(hosttest.File(t, []byte("file")), 0, -1, func(n int64, err error) { sent, told = n, err })
			v.Open(v.send)
			v.Drop()
			v.SetReason(net.ErrWriteToConnected)
			v.Below.Write([]byte("alert"))
			v.Below.LoseConnection()
		})
		assert.Equal(t, "alert", tr.Take())
		assert.Equal(t, error(net.ErrWriteToConnected), tr.Lost())
		assert.Zero(t, sent)
		assert.Equal(t, error(net.ErrWriteToConnected), told)
	}
}

// Whoever has aborted says no last word.
func TestAbortedGateSaysNoGoodbye(t *testing.T) {
	b := &bare{}
	v, tr := gated(b)
	v.Goodbye = func() { v.SetReason(protocol.ErrConnectionDone) }
	tr.Do(func() {
		v.Open(v.send)
		b.Abort()
		b.LoseConnection()
	})
	assert.Equal(t, protocol.ErrConnectionAborted, tr.Lost())
}

// After an Abort nothing is written, by a producer neither, which is not resumed.
func TestAbortWaitsForNoProducer(t *testing.T) {
	b, s := &bare{}, &source{}
	v, tr := gated(b)
	told := error(nil)
	tr.Do(func() {
		v.Open(v.send)
		v.Drained(func(error) {
			b.Abort()
			_, err := b.Write([]byte("x"))
			assert.ErrorIs(t, err, net.ErrClosed)
			v.SendFile(hosttest.File(t, []byte("file")), 0, -1, func(_ int64, err error) { told = err })
		})
		assert.NoError(t, v.RegisterProducer(s, false))
	})
	assert.Equal(t, "stop", s.take())
	assert.ErrorIs(t, told, net.ErrClosed)
}

// Files that others send through a Gate are bounded as what they write is.
func TestGateBoundsFilesOfOthers(t *testing.T) {
	b := &bare{}
	v, tr := gated(b)
	f, ended := hosttest.File(t, []byte("file")), 0
	for range 100 {
		tr.Do(func() { v.SendFile(f, 0, -1, func(int64, error) { ended++ }) })
	}
	assert.ErrorIs(t, tr.Lost(), protocol.ErrSlowPeer)
	assert.Equal(t, 100, ended)
}

// starter stands for TLS that can be started.
type starter struct {
	protocol.Layer
}

func (s *starter) StartTLS() error { return nil }

// StartTLS below a Gate would have what waits encrypted, the reply that allows it
// included. It is refused.
func TestGateStartsNoTLSBelowWhatWaits(t *testing.T) {
	b := &bare{}
	v := protocol.Stack(&valve{opens: true}, b)
	tr := protocoltest.Connect(protocol.Stack(&starter{}, v))
	tr.Do(func() {
		fmt.Fprint(b, "go ahead")
		assert.ErrorIs(t, v.StartTLS(), errors.ErrUnsupported)
	})
	tr.Do(func() { assert.NoError(t, v.StartTLS()) })
	assert.Equal(t, "go ahead", tr.Take())
}

// Who registers a producer is read from then on, also where a layer had stopped that.
func TestLayersReadWhoHasAProducer(t *testing.T) {
	b, s := &bare{}, &source{}
	top := protocol.Stack(&plain{}, b)
	_, tr := gated(top)
	tr.Do(func() { b.Write(make([]byte, 300_000)) })
	tr.Do(func() {
		assert.False(t, top.Reading())
		assert.NoError(t, top.RegisterProducer(s, true))
		assert.True(t, top.Reading())
	})
	tr.Receive("x")
	assert.Equal(t, "x", b.heard)
}
