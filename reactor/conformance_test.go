package reactor_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactor"
	"github.com/torsion-go/torsion/reactortest"
)

// The laws of every reactor hold for this one over each network, and for the one
// in memory.
func TestConformance(t *testing.T) {
	reactortest.Test(t,
		column("tcp4", func(testing.TB) string { return "127.0.0.1:0" }),
		column("tcp6", func(testing.TB) string { return "[::1]:0" }),
		column("unix", func(t testing.TB) string { return filepath.Join(t.TempDir(), "s") }),
		reactortest.OverMemory(),
	)
}

// They hold for connections over TLS too, from the start and from the middle.
func TestConformanceOverTLS(t *testing.T) {
	cert, err := secure.SelfSigned("torsion.test")
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(cert.Leaf)
	server := secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{cert}}}
	client := secure.Config{Client: &tls.Config{RootCAs: trusted, ServerName: "torsion.test"}}
	side := func(isClient bool) secure.Config {
		if isClient {
			return client
		}
		return server
	}
	wrapped := column("tcp4", func(testing.TB) string { return "127.0.0.1:0" })
	wrapped.Name, wrapped.Late = "tls", true
	wrapped.Wrap = func(f factory.Factory, isClient bool) factory.Factory { return side(isClient).Wrap(f) }
	offered := wrapped
	offered.Name, offered.Late = "start", false
	offered.Wrap = func(f factory.Factory, isClient bool) factory.Factory { return side(isClient).Offer(starts{f}) }
	for _, h := range []*reactortest.Harness{&wrapped, &offered} {
		h.Dial, h.Accept, h.Pair = nil, nil, nil // those that there are speak in clear
	}
	reactortest.Test(t, wrapped, offered)
}

// starts is a factory whose connections start TLS at once.
type starts struct{ factory.Factory }

func (f starts) Inner() any { return f.Factory }

func (f starts) BuildProtocol(peer net.Addr) protocol.Protocol {
	if p := f.Factory.BuildProtocol(peer); p != nil {
		return &starter{p}
	}
	return nil
}

type starter struct{ protocol.Protocol }

func (s *starter) Inner() any { return s.Protocol }

func (s *starter) ConnectionMade(t protocol.Transport) {
	if starter, ok := protocol.As[protocol.TLSStarter](t); !ok || starter.StartTLS() != nil {
		panic("it cannot start TLS")
	}
	protocol.Connect(s.Protocol, t)
}

func column(network string, address func(t testing.TB) string) reactortest.Harness {
	h := reactortest.Harness{Name: network, Network: network, Address: address}
	h.New = func(t testing.TB, c reactortest.Config) reactortest.Reactor {
		r, err := reactor.New(reactor.Config{Logger: c.Logger, DrainTimeout: c.DrainTimeout, Workers: c.Workers, Socket: c.Socket})
		require.NoError(t, err)
		return r
	}
	h.Dial = func(t testing.TB, to net.Addr) net.Conn {
		c, err := net.DialTimeout(network, to.String(), patient)
		require.NoError(t, err)
		return c
	}
	h.Accept = func(t testing.TB) net.Listener {
		l, err := net.Listen(network, address(t))
		require.NoError(t, err)
		return l
	}
	h.Pair = func(t testing.TB) (ours, theirs net.Conn) {
		l := h.Accept(t)
		defer l.Close()
		theirs = h.Dial(t, l.Addr())
		ours, err := l.Accept()
		require.NoError(t, err)
		return ours, theirs
	}
	return h
}
