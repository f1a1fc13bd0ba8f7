package factory_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

// A probe is a protocol whose events a test gives it, and which remembers its end.
type probe struct {
	protocol.Base
	made   func(t protocol.Transport)
	data   func(t protocol.Transport, data []byte)
	lost   func(reason error)
	reason error
}

func (p *probe) ConnectionMade(t protocol.Transport) {
	if p.made != nil {
		p.made(t)
	}
}

func (p *probe) DataReceived(data []byte) {
	if p.data != nil {
		p.data(p.Transport, data)
	}
}

func (p *probe) ConnectionLost(reason error) {
	p.reason = reason
	if p.lost != nil {
		p.lost(reason)
	}
}

// probes is a factory of probes.
func probes(like probe) (f factory.Factory, built *[]*probe) {
	built = new([]*probe)
	return factory.Each(func() protocol.Protocol {
		p := like
		*built = append(*built, &p)
		return &p
	}), built
}

func network() *reactortest.Memory {
	return reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler), DrainTimeout: time.Minute})
}

// listen serves f on port 7 of the network.
func listen(t *testing.T, m *reactortest.Memory, f factory.Factory) factory.Port {
	t.Helper()
	p, err := m.Listen("tcp", "192.0.2.1:7", f)
	require.NoError(t, err)
	return p
}

// connect connects n clients to port 7.
func connect(m *reactortest.Memory, f factory.Factory, n int) (c factory.Connector) {
	for range n {
		c = m.Connect("tcp", "192.0.2.1:7", f)
	}
	m.Settle()
	return c
}

// do runs f on the loop.
func do(t *testing.T, m *reactortest.Memory, f func()) {
	t.Helper()
	require.NoError(t, m.Call(f))
	m.Settle()
}

// stop ends the network, which must come to its end.
func stop(t *testing.T, m *reactortest.Memory) {
	t.Helper()
	m.Stop()
	m.Stop() // whatever is left: this is no test of the shutdown
	assert.NoError(t, m.Run(context.Background()))
}
