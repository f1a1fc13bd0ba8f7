package reactor_test

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

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
