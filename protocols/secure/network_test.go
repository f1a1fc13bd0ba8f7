package secure_test

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

// A network is one in memory, with a server on port 7.
type network struct {
	*reactortest.Memory
	t *testing.T
}

const address = "192.0.2.1:7"

// serving is a network where f serves.
func serving(t *testing.T, f factory.Factory) network {
	t.Helper()
	m := reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})
	_, err := m.Listen("tcp", address, f)
	require.NoError(t, err)
	return network{m, t}
}

// connect connects a client, and lets happen what happens.
func (n network) connect(f factory.Factory) factory.Connector {
	c := n.Connect("tcp", address, f)
	n.Settle()
	return c
}

// do runs f on the loop.
func (n network) do(f func()) {
	n.t.Helper()
	require.NoError(n.t, n.Call(f))
	n.Settle()
}

// A dialer is a client's factory, which notes what becomes of its attempts.
type dialer struct {
	session *session // what it builds; nil refuses
	heard   []string
	err     error
}

func (d *dialer) note(s string) { d.heard = append(d.heard, s) }

func (d *dialer) take() string {
	s := strings.Join(d.heard, ", ")
	d.heard = nil
	return s
}

func (d *dialer) BuildProtocol(net.Addr) protocol.Protocol {
	d.note("build")
	if d.session == nil {
		return nil
	}
	d.session = &session{made: d.session.made}
	return d.session
}

func (d *dialer) Connecting(factory.Connector) { d.note("connecting") }

func (d *dialer) ConnectFailed(_ factory.Connector, err error) { d.note("failed"); d.err = err }

func (d *dialer) Disconnected(_ factory.Connector, err error) { d.note("disconnected"); d.err = err }

// sessions is a factory of sessions, which it keeps.
type sessions struct{ built []*session }

func (f *sessions) BuildProtocol(net.Addr) protocol.Protocol {
	s := &session{}
	f.built = append(f.built, s)
	return s
}

// deaf is a protocol that says nothing, as a peer that stalls in the handshake.
type deaf struct{ protocol.Base }

func (deaf) DataReceived([]byte) {}

var deafs = factory.Each(func() protocol.Protocol { return &deaf{} })
