package proxyproto_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/proxyproto"
	"github.com/torsion-go/torsion/protocoltest"
)

// What a proxy announces is what a server sees.
func TestAnnouncementIsUnderstood(t *testing.T) {
	tcp := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	kept := proxy.String() + " " + ours
	for name, c := range map[string]struct {
		announce   proxyproto.Announce
		head, ends string
	}{
		"v1, IPv4":       {proxyproto.Announce{1, tcp("198.51.100.7:40000"), tcp("203.0.113.1:25")}, header, v4Told},
		"v1, IPv6":       {proxyproto.Announce{1, tcp("[2001:db8::7]:40000"), tcp("[2001:db8::1]:25")}, "PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n", v6Told},
		"v1, mixed":      {proxyproto.Announce{1, tcp("198.51.100.7:40000"), tcp("[2001:db8::1]:25")}, "PROXY TCP6 ::ffff:198.51.100.7 2001:db8::1 40000 25\r\n", "198.51.100.7:40000 [2001:db8::1]:25"},
		"v1, not known":  {proxyproto.Announce{Version: 1}, "PROXY UNKNOWN\r\n", kept},
		"v1, not IP":     {proxyproto.Announce{1, &net.UnixAddr{Net: "unix"}, &net.UnixAddr{Net: "unix"}}, "PROXY UNKNOWN\r\n", kept},
		"v2, by default": {proxyproto.Announce{0, tcp("198.51.100.7:40000"), tcp("203.0.113.1:25")}, v2(0x21, 0x11, v4Ends), v4Told},
		"v2, IPv6":       {proxyproto.Announce{2, tcp("[2001:db8::7]:40000"), tcp("[2001:db8::1]:25")}, v2(0x21, 0x21, v6Ends), v6Told},
		"v2, of a zone":  {proxyproto.Announce{2, tcp("[2001:db8::7%eth0]:40000"), tcp("[2001:db8::1]:25")}, v2(0x21, 0x21, v6Ends), v6Told},
		"v2, Unix":       {proxyproto.Announce{2, &net.UnixAddr{Net: "unix", Name: "/run/client"}, &net.UnixAddr{Net: "unix", Name: "/run/server"}}, v2(0x21, 0x31, unixEnds), "/run/client /run/server"},
		"v2, not known":  {proxyproto.Announce{}, v2(0x20, 0x00, ""), kept},
		"v2, two kinds":  {proxyproto.Announce{2, tcp("198.51.100.7:40000"), &net.UnixAddr{Net: "unix"}}, v2(0x20, 0x00, ""), kept},
	} {
		t.Run(name, func(t *testing.T) {
			client := &session{}
			client.made = func() { client.Write([]byte("first words")) }
			out := protocoltest.Connect(c.announce.Around(sessions(client)).BuildProtocol(proxy))
			sent := out.Take()
			assert.Equal(t, c.head+"first words", sent)

			s := &session{}
			connect(trusting, s).Receive(sent)
			assert.Equal(t, c.ends, s.ends)
			assert.Equal(t, "first words", s.heard)
		})
	}
}

// A protocol behind an announcement is its connection's in all else, and the
// factory is one of clients.
func TestAnnouncingChangesNothingElse(t *testing.T) {
	s := &polite{}
	f := proxyproto.Announce{}.Around(watching{factory.Each(func() protocol.Protocol { return s })})
	_, ok := protocol.As[factory.Watcher](f)
	assert.True(t, ok)
	tr := protocoltest.Connect(f.BuildProtocol(proxy))
	tr.Receive("input")
	tr.EOF()
	assert.Equal(t, "inputEOF", s.heard)
	assert.False(t, tr.Closed())

	none := factory.Func(func(net.Addr) protocol.Protocol { return nil })
	assert.Nil(t, proxyproto.Announce{}.Around(none).BuildProtocol(proxy))
}

type watching struct{ factory.Factory }

func (watching) Connecting(factory.Connector)           {}
func (watching) ConnectFailed(factory.Connector, error) {}
func (watching) Disconnected(factory.Connector, error)  {}

// Who announces what cannot be said has made a mistake.
func TestAnnounceMistakes(t *testing.T) {
	port := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 65536}
	for _, a := range []proxyproto.Announce{{Version: 3}, {Version: -1}, {1, port, port}, {2, port, port}} {
		assert.Panics(t, func() { a.Around(sessions(&session{})) })
	}
}
