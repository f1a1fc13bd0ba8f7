package portforward_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/portforward"
	"github.com/torsion-go/torsion/protocols/proxyproto"
)

var behindProxies = proxyproto.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}}

// A server behind the proxy, or behind two of them, sees the client, if it is told.
func TestServerSeesTheClient(t *testing.T) {
	for version := 1; version <= 2; version++ {
		s := newScene(t)
		s.proxy.Announce = version
		var ends []string
		note := factory.Func(func(net.Addr) protocol.Protocol { return &noticing{ends: &ends} })
		_, err := s.Listen("tcp", back, behindProxies.Wrap(note))
		require.NoError(t, err)
		_, err = s.Listen("tcp", front, behindProxies.Wrap(&s.proxy))
		require.NoError(t, err)
		outermost := &portforward.Factory{Network: s.Memory, To: front, Announce: 3 - version}
		_, err = s.Listen("tcp", "192.0.2.1:1", outermost)
		require.NoError(t, err)
		client := &end{}
		s.Connect("tcp", "192.0.2.1:1", factory.Each(func() protocol.Protocol { return client }))
		s.do(func() {})
		s.do(func() {
			assert.Equal(t, []string{client.LocalAddr().String(), "192.0.2.1:1"}, ends)
			client.Write([]byte("hello"))
		})
		assert.Equal(t, "hello", client.heard.String())
	}
}

// A noticing end notes its addresses, and is an echo.
type noticing struct {
	protocol.Base
	ends *[]string
}

func (n *noticing) ConnectionMade(t protocol.Transport) {
	*n.ends = append(*n.ends, t.RemoteAddr().String(), t.LocalAddr().String())
}

func (n *noticing) DataReceived(data []byte) { n.Write(data) }

// The other side may be a Unix socket, which is told of a TCP client too.
func TestUnixServer(t *testing.T) {
	s := newScene(t)
	s.proxy.Net, s.proxy.To, s.proxy.Announce = "unix", "@back", 2
	var ends []string
	trusting := proxyproto.Config{TrustUnix: true}
	_, err := s.Listen("unix", "@back", trusting.Wrap(factory.Each(func() protocol.Protocol { return &noticing{ends: &ends} })))
	require.NoError(t, err)
	_, err = s.Listen("tcp", front, &s.proxy)
	require.NoError(t, err)
	client := s.join("hello")
	s.Settle()
	s.do(func() { assert.Equal(t, []string{client.LocalAddr().String(), front}, ends) })
	assert.Equal(t, "hello", client.heard.String())
}

// A proxy that is told to announce what there is not serves nobody.
func TestUnheardVersion(t *testing.T) {
	s := newScene(t)
	s.proxy.Announce = 3
	s.open(func(f factory.Factory) factory.Factory { return f })
	s.Connect("tcp", front, factory.Each(func() protocol.Protocol { return &end{} }))
	s.Settle()
	require.Len(t, s.clients, 1)
	var panicked *protocol.PanicError
	assert.ErrorAs(t, s.clients[0], &panicked)
	s.stop()
}
