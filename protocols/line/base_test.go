package line_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocoltest"
)

// A proxy of handlers need not know Base.
func TestBaseThroughWrapper(t *testing.T) {
	e := &echo{}
	tr := protocoltest.Connect(line.New(&wrapped{e}))
	tr.Receive("hello\r\n")
	assert.Equal(t, "hello\r\n", tr.Take())
}

type wrapped struct{ line.Handler }

func (w *wrapped) Inner() any { return w.Handler }

// own has a ConnectionMade that does not call Base's.
type own struct {
	line.Base
}

func (o *own) ConnectionMade(c *line.Conn) { o.SendLine("welcome") }
func (o *own) LineReceived([]byte)         {}

// Base has its Conn before the first event, whoever hides its methods.
func TestBaseNeedsNoSuperCall(t *testing.T) {
	assert.Equal(t, "welcome\r\n", protocoltest.Connect(line.New(&own{})).Take())
}

// A handler has the abilities that it was written with and no others.
func TestBaseGivesNoAbility(t *testing.T) {
	e := &echo{}
	protocoltest.Connect(line.New(e))
	assert.False(t, has[protocol.EOFReceiver](e))
	assert.False(t, has[protocol.WritePauser](e))
	assert.False(t, has[protocol.ReadResumer](e))
	assert.False(t, has[protocol.Shutdowner](e))
	assert.False(t, has[protocol.Flusher](e))
	assert.False(t, has[protocol.InputHolder](e))
	assert.False(t, has[protocol.Producer](e))
	assert.False(t, has[protocol.Protocol](e))
	assert.False(t, has[line.RawHandler](e))
	assert.False(t, has[line.TooLong](e))
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
	p := line.New(&lastLine{})
	assert.True(t, has[protocol.EOFReceiver](p))
	assert.False(t, has[protocol.WritePauser](p))
	assert.True(t, has[protocol.ReadResumer](p), "the framing's own")
	assert.True(t, has[protocol.InputHolder](p), "the framing's own")
}
