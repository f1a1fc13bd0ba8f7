package factory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

type mute struct{ protocol.Base }

func (*mute) DataReceived([]byte) {}

// A Connector that its user stops does not connect again, whether there is a
// connection or an attempt is waited for.
func TestConnectorStopEndsReconnecting(t *testing.T) {
	for _, connected := range []bool{true, false} {
		m := reactortest.NewMemory(reactortest.Config{})
		built, gaveUp := 0, 0
		each := factory.Each(func() protocol.Protocol { built++; return &mute{} })
		again := &factory.Reconnecting{Clock: m, GaveUp: func(factory.Connector, error) { gaveUp++ }}
		if connected {
			_, err := m.Listen("tcp", "127.0.0.1:25", factory.Each(func() protocol.Protocol { return &mute{} }))
			require.NoError(t, err)
		}
		c := m.Connect("tcp", "127.0.0.1:25", again.Around(each))
		m.Settle()
		before := built
		c.Stop()
		m.Settle()
		if !connected {
			_, err := m.Listen("tcp", "127.0.0.1:25", factory.Each(func() protocol.Protocol { return &mute{} }))
			require.NoError(t, err)
		}
		m.Advance(time.Hour)
		assert.Equal(t, before, built, "connected %v", connected)
		assert.Equal(t, 1, gaveUp, "connected %v", connected)
	}
}
