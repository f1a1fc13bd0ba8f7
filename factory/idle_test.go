package factory_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

func idle(p protocol.Protocol) *protocoltest.Transport {
	f := factory.Idle{Timeout: time.Minute}.Around(factory.Each(func() protocol.Protocol { return p }))
	return protocoltest.Connect(f.BuildProtocol(nil))
}

// Who says nothing is disconnected, with what was written before still delivered.
func TestIdleEndsSilence(t *testing.T) {
	p := &probe{lost: func(error) {}}
	p.made = func(t protocol.Transport) { t.Write([]byte("hello")) }
	tr := idle(p)
	tr.Advance(time.Minute - 1)
	assert.NoError(t, tr.Lost())
	tr.Advance(1)
	assert.ErrorIs(t, tr.Lost(), factory.ErrIdle)
	assert.Equal(t, tr.Lost(), p.reason)
	assert.Equal(t, "hello", tr.Take())
	assert.Zero(t, tr.Timers())
}

// Where input alone counts, nothing that is said to the peer keeps it, taken or not.
func TestIdleOfInputOnly(t *testing.T) {
	for _, stalled := range []bool{false, true} {
		p := &probe{}
		tr := protocoltest.Connect(factory.Idle{Timeout: time.Minute, InputOnly: true}.Around(
			factory.Each(func() protocol.Protocol { return p })).BuildProtocol(nil))
		tr.Receive("x")
		for range 3 {
			tr.Advance(19 * time.Second)
			tr.Stall(stalled)
			tr.Do(func() { p.Write([]byte("tick\r\n")) })
		}
		tr.Advance(3*time.Second - 1)
		assert.False(t, tr.Closed())
		tr.Advance(1)
		tr.Stall(false)
		assert.ErrorIs(t, tr.Lost(), factory.ErrIdle)
		assert.Equal(t, "tick\r\ntick\r\ntick\r\n", tr.Take())
	}
}

// Each input begins the time anew.
func TestIdleCountsFromTheLastInput(t *testing.T) {
	tr := idle(&probe{})
	for range 10 {
		tr.Advance(59 * time.Second)
		tr.Receive("x")
	}
	assert.NoError(t, tr.Lost())
	tr.Advance(time.Minute)
	assert.ErrorIs(t, tr.Lost(), factory.ErrIdle)
}

// A peer that takes a long download is not idle; the time counts from its end.
func TestIdleWaitsForSlowReaders(t *testing.T) {
	p := &probe{}
	tr := idle(p)
	tr.Stall(true)
	tr.Do(func() { p.Write(bytes.Repeat([]byte("x"), 100_000)) })
	tr.Advance(90 * time.Second)
	assert.NoError(t, tr.Lost())
	tr.Stall(false)
	tr.Advance(time.Minute - 1)
	assert.NoError(t, tr.Lost())
	tr.Advance(1)
	assert.ErrorIs(t, tr.Lost(), factory.ErrIdle)
	assert.Len(t, tr.Take(), 100_000)
}

// A peer that is not listened to is not silent.
func TestIdleLeavesPausedAlone(t *testing.T) {
	p := &probe{made: func(t protocol.Transport) { t.PauseReading() }}
	tr := idle(p)
	tr.Advance(time.Hour)
	assert.NoError(t, tr.Lost())
	tr.Do(p.ResumeReading)
	tr.Advance(time.Minute)
	assert.ErrorIs(t, tr.Lost(), factory.ErrIdle)
}

// A connection that is closing anyway keeps its own reason.
func TestIdleDoesNotExplainOtherEnds(t *testing.T) {
	p := &probe{}
	tr := idle(p)
	tr.Stall(true) // the peer does not answer our FIN
	tr.Advance(time.Minute - time.Second)
	tr.Do(p.LoseConnection)
	tr.Advance(time.Minute)
	assert.Equal(t, protocol.ErrConnectionDone, tr.Lost())
}

// A negative timeout is none, and refusals go through.
func TestIdlePassesOn(t *testing.T) {
	f := factory.Each(func() protocol.Protocol { return nil })
	assert.Nil(t, factory.Idle{}.Around(f).BuildProtocol(nil))
	p := &probe{}
	never := factory.Idle{Timeout: -1}.Around(factory.Each(func() protocol.Protocol { return p }))
	assert.Same(t, p, never.BuildProtocol(nil))
}

// A message costs no memory.
func TestIdleAllocatesNothingPerMessage(t *testing.T) {
	if raceEnabled {
		t.Skip("debug builds look at the goroutine each time")
	}
	f := factory.Idle{}.Around(factory.Each(func() protocol.Protocol { return &probe{} }))
	p := f.BuildProtocol(nil)
	tr := protocoltest.Connect(p)
	data := []byte("x")
	tr.Do(func() {
		assert.Zero(t, testing.AllocsPerRun(100, func() { p.DataReceived(data) }))
	})
}

// What the peer takes is no silence, even if it all leaves at once.
func TestPushedStreamIsNotIdle(t *testing.T) {
	p := &probe{}
	tr := idle(p)
	for range 600 {
		tr.Do(func() { p.Write([]byte("tick\r\n")) })
		tr.Advance(time.Second)
		assert.NoError(t, tr.Lost())
	}
	tr.Advance(2 * time.Minute)
	assert.ErrorIs(t, tr.Lost(), factory.ErrIdle)
}

// The time counts from the end of a download, or later, never from its beginning.
func TestIdleCountsFromEndOfDownload(t *testing.T) {
	p := &probe{}
	tr := idle(p)
	tr.Stall(true)
	tr.Do(func() { p.Write(bytes.Repeat([]byte("x"), 100_000)) })
	tr.Advance(59 * time.Second)
	tr.Stall(false)
	tr.Advance(59 * time.Second)
	assert.NoError(t, tr.Lost())
	tr.Advance(2 * time.Minute)
	assert.ErrorIs(t, tr.Lost(), factory.ErrIdle)
}

// A polite layer says goodbye, as TLS does.
type polite struct{ protocol.Layer }

func (p *polite) LoseConnection() {
	p.Write([]byte("goodbye"))
	p.Layer.LoseConnection()
}

// The silence is below the layers, and they end the connection.
func TestIdleEndsThroughLayers(t *testing.T) {
	p := &probe{}
	tr := idle(protocol.Stack(&polite{}, p))
	tr.Advance(time.Minute)
	assert.Equal(t, "goodbye", tr.Take())
	assert.ErrorIs(t, tr.Lost(), factory.ErrIdle)
	assert.Equal(t, tr.Lost(), p.reason)
}
