package intn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/intn"
	"github.com/torsion-go/torsion/protocoltest"
)

// A proxy of handlers need not know Base.
func TestBaseThroughWrapper(t *testing.T) {
	tr := protocoltest.Connect(intn.New(&wrapped{&echo{}}))
	tr.Receive("\x00\x00\x00\x05hello")
	assert.Equal(t, "\x00\x00\x00\x05hello", tr.Take())
}

type wrapped struct{ intn.Handler }

func (w *wrapped) Inner() any { return w.Handler }

// own has a ConnectionMade that does not call Base's.
type own struct{ intn.Base }

func (o *own) ConnectionMade(*intn.Conn) { _ = o.SendString("welcome") }
func (o *own) StringReceived([]byte)     {}

// Base has its Conn before the first event, whoever hides its methods.
func TestBaseNeedsNoSuperCall(t *testing.T) {
	assert.Equal(t, "\x00\x00\x00\x07welcome", protocoltest.Connect(intn.New(&own{})).Take())
}

// A handler has the abilities that it was written with and no others.
func TestBaseGivesNoAbility(t *testing.T) {
	e := &echo{}
	protocoltest.Connect(intn.New(e))
	assert.False(t, has[protocol.EOFReceiver](e))
	assert.False(t, has[protocol.WritePauser](e))
	assert.False(t, has[protocol.ReadResumer](e))
	assert.False(t, has[protocol.Shutdowner](e))
	assert.False(t, has[protocol.Flusher](e))
	assert.False(t, has[protocol.InputHolder](e))
	assert.False(t, has[protocol.Producer](e))
	assert.False(t, has[protocol.Protocol](e))
	assert.False(t, has[intn.TooLong](e))
	assert.False(t, has[protocol.Notifier](e), "found in the handler's own transport")
	assert.False(t, has[interface{ Inner() any }](e))
	assert.False(t, has[interface{ Below() protocol.Transport }](e))
	assert.True(t, has[protocol.Notifier](e.Conn), "the transport's abilities, through Conn")
}

func has[T any](x any) bool {
	_, ok := protocol.As[T](x)
	return ok
}

// The abilities of a handler are those of its connection.
func TestAbilitiesOfHandler(t *testing.T) {
	p := intn.New(&keeper{})
	assert.True(t, has[intn.TooLong](p))
	assert.False(t, has[intn.TooLong](intn.New(&echo{})))
	assert.False(t, has[protocol.WritePauser](p))
	assert.True(t, has[protocol.ReadResumer](p), "the framing's own")
	assert.True(t, has[protocol.InputHolder](p), "the framing's own")
	assert.True(t, has[protocol.EOFReceiver](p), "the framing's own")
}
