package protocol_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A polite layer says goodbye, as TLS does.
type polite struct {
	protocol.Layer
	goodbye string
}

func (p *polite) LoseConnection() {
	p.Write([]byte(p.goodbye))
	p.Layer.LoseConnection()
}

// Whoever ends a connection, from whatever side, has each layer say goodbye, the
// user's first.
func TestLayersSayGoodbye(t *testing.T) {
	var b *bare
	var all protocol.Protocol
	for name, end := range map[string]func(tr *protocoltest.Transport){
		"user":     func(tr *protocoltest.Transport) { tr.Do(func() { b.LoseConnection() }) },
		"policy":   func(tr *protocoltest.Transport) { tr.Do(func() { protocol.LoseConnection(all, tr.Transport) }) },
		"shutdown": (*protocoltest.Transport).Shutdown,
		"peer":     (*protocoltest.Transport).EOF,
	} {
		t.Run(name, func(t *testing.T) {
			b = &bare{}
			inner := protocol.Stack(&polite{goodbye: "inner "}, &policy{b})
			all = &policy{protocol.Stack(&polite{goodbye: "outer"}, &policy{inner})}
			tr := protocoltest.Connect(all)
			end(tr)
			assert.Equal(t, "inner outer", tr.Take())
			assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
		})
	}
}

// Where there is no layer it is the transport that is closed.
func TestLoseConnectionWithoutLayers(t *testing.T) {
	p := &policy{&bare{}}
	tr := protocoltest.Connect(p)
	tr.Do(func() { protocol.LoseConnection(p, tr.Transport) })
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
}

// The name is that of the user's object, whatever stands below it.
func TestNameOf(t *testing.T) {
	_, layers := stacked(3, &policy{&bare{}})
	for want, x := range map[string]any{
		"*protocol_test.bare":   &policy{layers},
		"*protocol_test.late":   &policy{protocol.Stack(&late{}, nil)},
		"*protocol_test.policy": &policy{},
		"func()":                (func())(nil),
		"nobody":                nil,

		"github.com/torsion-go/torsion/protocol_test.TestNameOf": TestNameOf,
	} {
		assert.Equal(t, want, protocol.NameOf(x))
	}
}
