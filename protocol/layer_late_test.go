package protocol_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A late layer builds its protocol when the peer has said so, as one that shakes
// hands first.
type late struct {
	protocol.Layer
	build func() protocol.Protocol
}

func (l *late) ConnectionMade(protocol.Transport) { fmt.Fprint(l.Below, "knock ") }

func (l *late) DataReceived(data []byte) {
	if l.Above == nil {
		l.Above = l.build()
		protocol.Connect(l.Above, l)
	}
	l.Layer.DataReceived(data)
}

func TestLayerMayConnectLate(t *testing.T) {
	b := &bare{}
	l := protocol.Stack(&late{build: func() protocol.Protocol { return b }}, nil)
	tr := protocoltest.Connect(l)
	tr.Do(func() { assert.Zero(t, l.DropInput()) })
	tr.Receive("x")
	assert.Equal(t, "knock ", tr.Take())
	assert.Equal(t, "x", b.heard)
	assert.Same(t, l, b.Transport)

	never := protocoltest.Connect(protocol.Stack(&late{}, nil))
	never.Stall(true)
	never.EOF()
	never.Reset()
	assert.Error(t, never.Lost())
}

// What waits when a late protocol comes is resumed for the layer alone: the new
// one never heard of the pause.
func TestWriterIsNotResumedUnpaused(t *testing.T) {
	f := &full{}
	l := protocol.Stack(&plain{}, nil)
	l.Above = &bare{}
	tr := protocoltest.Connect(l)
	tr.Stall(true)
	tr.Do(func() { l.Write(make([]byte, 1<<20)) })
	tr.Do(func() { l.Above = f; protocol.Connect(f, l) })
	tr.Stall(false)
	assert.Equal(t, "read", f.take())
}

// A layer that was not made with Stack says so.
func TestLayerNeedsStack(t *testing.T) {
	var panicked *protocol.PanicError
	require.ErrorAs(t, protocoltest.Connect(&plain{}).Lost(), &panicked)
	assert.Contains(t, panicked.Error(), "Stack")
}

// A layer serves one connection, whether it is begun with Connect or by hand.
func TestLayerServesOneConnection(t *testing.T) {
	var panicked *protocol.PanicError
	l := protocol.Stack(&plain{}, &bare{})
	protocoltest.Connect(l)
	require.ErrorAs(t, protocoltest.Connect(l).Lost(), &panicked)
	assert.Equal(t, protocol.Reused, panicked.Value)

	host := protocoltest.Connect(&bare{})
	l = protocol.Stack(&plain{}, &bare{})
	l.ConnectionMade(host.Transport)
	assert.Equal(t, host.Transport, l.Below)
	assert.PanicsWithValue(t, protocol.Reused, func() { l.ConnectionMade(&pipe{}) })
}

// While a layer reads on for itself, nobody above is told to read on before it wants
// to, and the end is no exception to what is legal.
func TestReadOnTellsNobodyWhoIsPaused(t *testing.T) {
	f := &full{}
	top := protocol.Stack(&plain{}, f)
	tr := protocoltest.Connect(top)
	tr.Do(f.PauseReading)
	tr.Do(func() { top.ReadOn(true) })
	tr.Advance(0)
	assert.Empty(t, f.take())
	tr.Do(f.ResumeReading)
	assert.Equal(t, "read", f.take())
	tr.Do(func() { f.PauseReading(); f.Abort(); f.ResumeReading() })
	tr.Do(func() { f.PauseReading(); f.ResumeReading() })
	assert.Equal(t, "lost", f.take())
}
