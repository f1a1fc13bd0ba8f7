package interop

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/reactor"
	"github.com/torsion-go/torsion/reactortest"
)

// A reactor's connections keep all that x/net asks of a net.Conn.
func TestNetConn(t *testing.T) {
	t.Run("TCP", func(t *testing.T) { testConn(t, realReactor(t), "tcp", "127.0.0.1:0") })
	t.Run("Unix", func(t *testing.T) { testConn(t, realReactor(t), "unix", filepath.Join(t.TempDir(), "socket")) })
	t.Run("Memory", func(t *testing.T) { testConn(t, reactortest.NewMemory(reactortest.Config{}), "tcp", "127.0.0.1:0") })
}

func realReactor(t *testing.T) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	return r
}

// testConn runs the suite over connections of r with itself.
func testConn(t *testing.T, r reactortest.Reactor, network, addr string) {
	ended := make(chan error)
	go func() { ended <- r.Run(context.Background()) }()
	l, err := netconn.Listen(r, network, addr)
	require.NoError(t, err)
	nettest.TestConn(t, func() (ours, theirs net.Conn, stop func(), err error) {
		ours, err = netconn.Dialer{Network: r}.Dial(network, l.Addr().String())
		if err == nil {
			theirs, err = l.Accept()
		}
		return ours, theirs, func() { ours.Close(); theirs.Close() }, err
	})
	r.Stop()
	assert.NoError(t, <-ended)
}
