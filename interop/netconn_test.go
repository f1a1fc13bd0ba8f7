package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactor"
	"github.com/torsion-go/torsion/reactortest"
)

// A reactor's connections keep all that x/net asks of a net.Conn, those with TLS
// below them too.
func TestNetConn(t *testing.T) {
	server, client := certified(t)
	t.Run("TCP", func(t *testing.T) { testConn(t, realReactor(t), "tcp", "127.0.0.1:0", plain, plain) })
	t.Run("Unix", func(t *testing.T) {
		testConn(t, realReactor(t), "unix", filepath.Join(t.TempDir(), "socket"), plain, plain)
	})
	t.Run("TLS", func(t *testing.T) { testConn(t, realReactor(t), "tcp", "127.0.0.1:0", server.Wrap, client.Wrap) })
	t.Run("Memory", func(t *testing.T) { testConn(t, memory(), "tcp", "127.0.0.1:0", plain, plain) })
	t.Run("TLS in memory", func(t *testing.T) { testConn(t, memory(), "tcp", "127.0.0.1:0", server.Wrap, client.Wrap) })
}

// certified returns two sides of TLS that trust each other.
func certified(t *testing.T) (server, client secure.Config) {
	t.Helper()
	cert, err := secure.SelfSigned("127.0.0.1")
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	return secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{cert}}},
		secure.Config{Client: &tls.Config{ServerName: "127.0.0.1", RootCAs: roots}}
}

func realReactor(t *testing.T) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	return r
}

func memory() *reactortest.Memory { return reactortest.NewMemory(reactortest.Config{}) }

// A wrap stands around a factory.
type wrap func(factory.Factory) factory.Factory

func plain(f factory.Factory) factory.Factory { return f }

// testConn runs the suite over connections of r with itself.
func testConn(t *testing.T, r reactortest.Reactor, network, addr string, server, client wrap) {
	ended := make(chan error)
	go func() { ended <- r.Run(context.Background()) }()
	l, err := netconn.Listen(r, network, addr, server)
	require.NoError(t, err)
	d := netconn.Dialer{Network: r, Wrap: client}
	nettest.TestConn(t, func() (ours, theirs net.Conn, stop func(), err error) {
		ours, err = d.Dial(network, l.Addr().String())
		if err == nil {
			theirs, err = l.Accept()
		}
		return ours, theirs, func() { ours.Close(); theirs.Close() }, err
	})
	r.Stop()
	r.Stop() // nobody waits for what is left
	assert.NoError(t, <-ended)
}
