package reactor_test

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// echoOf is an echo for each loop.
func echoOf(factory.Network) protocol.DatagramProtocol { return echoing() }

// ask sends x and returns the answer.
func ask(t *testing.T, c net.Conn) string {
	t.Helper()
	_, err := c.Write([]byte("x"))
	require.NoError(t, err)
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	require.NoError(t, err)
	return string(buf[:n])
}

// On Linux each loop has a part of the peers, and keeps them; each has a protocol of its
// own, whose callbacks run there. Elsewhere the first loop has all.
func TestPoolSpreadsDatagrams(t *testing.T) {
	const loops, peers = 3, 200
	pool := runPool(t, loops, reactor.Config{})
	var networks []factory.Network
	port, err := pool.ListenDatagram("udp", "localhost:0", func(n factory.Network) protocol.DatagramProtocol {
		i := len(networks)
		networks = append(networks, n)
		heard := 0 // no lock: it is one loop's
		return &letterbox{data: func(l *letterbox, _ []byte, from netip.AddrPort) {
			heard++
			_, err := l.WriteTo(fmt.Append(nil, i, onLoop(l.Loop()) && n.(*reactor.Reactor).OnLoop()), from)
			assert.NoError(t, err)
		}}
	})
	require.NoError(t, err)
	ports := 1
	if runtime.GOOS == "linux" {
		ports = loops
	}
	require.Len(t, networks, ports)
	for i, r := range pool.Reactors()[:ports] {
		assert.Same(t, r, networks[i])
	}
	heardBy := make(map[string]int)
	for range peers {
		c := talk(t, "udp", port.Addr())
		answer := ask(t, c)
		assert.Equal(t, answer, ask(t, c), "by the same loop")
		heardBy[answer]++
	}
	assert.Equal(t, ports, pool.Stats().Ports)
	assert.Len(t, heardBy, ports)
	for i := range ports {
		assert.Greater(t, heardBy[fmt.Sprint(i, true)], peers/ports/4)
	}
}

// An address of datagrams has one port, though several sockets are bound there, and is
// free when that is closed, from wherever.
func TestPoolsDatagramAddressIsItsOwn(t *testing.T) {
	pool, other := runPool(t, 3, reactor.Config{}), runPool(t, 3, reactor.Config{})
	for network, addr := range map[string]string{"udp": "127.0.0.1:0", "udp4": ":0", "unixgram": filepath.Join(t.TempDir(), "s")} {
		first, err := pool.ListenDatagram(network, addr, echoOf)
		require.NoError(t, err)
		for _, p := range []*reactor.Pool{pool, other} {
			_, err = p.ListenDatagram(network, first.Addr().String(), echoOf)
			assert.ErrorIs(t, err, syscall.EADDRINUSE)
		}
		require.NoError(t, first.Close())
		require.NoError(t, first.Close())
		second, err := other.ListenDatagram(network, first.Addr().String(), echoOf)
		require.NoError(t, err)
		on(t, other.Reactors()[1], func() error { return second.Close() })
		for { // the loops close it one after the other
			third, err := pool.ListenDatagram(network, first.Addr().String(), echoOf)
			if err == nil {
				require.NoError(t, third.Close())
				break
			}
			require.ErrorIs(t, err, syscall.EADDRINUSE)
		}
	}
	assert.Zero(t, pool.Stats().Ports)
}

// Two loops that close each other's port at the same time do not wait for each other.
func TestDatagramPortsOfAPoolMayBeClosedFromEveryLoop(t *testing.T) {
	pool := runPool(t, 2, reactor.Config{})
	var ports []factory.Port
	for range 50 {
		p, err := pool.ListenDatagram("udp", "127.0.0.1:0", echoOf)
		require.NoError(t, err)
		ports = append(ports, p)
	}
	closeFromBoth(t, pool, ports)
}

// Where sockets do not share what comes, the first loop has the only one: members of a
// group would each hear all.
func TestPoolDoesNotSpreadGroups(t *testing.T) {
	pool := runPool(t, 2, reactor.Config{})
	for network, addr := range map[string]string{"udp4": "224.0.0.251:0", "unixgram": filepath.Join(t.TempDir(), "s")} {
		made := 0
		port, err := pool.ListenDatagram(network, addr, func(n factory.Network) protocol.DatagramProtocol {
			made++
			assert.Same(t, pool.Reactors()[0], n)
			return echoing()
		})
		require.NoError(t, err)
		assert.Equal(t, 1, made)
		require.NoError(t, port.Close())
	}
}

// A port that cannot be opened leaves nothing behind, and one of a pool that has stopped
// is none.
func TestPoolsDatagramPortFails(t *testing.T) {
	pool := runPool(t, 3, reactor.Config{})
	before, made := descriptors(t), 0
	port, err := pool.ListenDatagram("udp", "127.0.0.1:0", func(factory.Network) protocol.DatagramProtocol {
		if made++; made == 2 {
			return nil
		}
		return echoing()
	})
	if runtime.GOOS == "linux" {
		require.ErrorContains(t, err, "nil DatagramProtocol")
	} else {
		require.NoError(t, err)
		require.NoError(t, port.Close())
	}
	_, err = pool.ListenDatagram("tcp", "127.0.0.1:0", echoOf)
	assert.ErrorIs(t, err, net.UnknownNetworkError("tcp"))
	_, err = pool.ListenDatagram("udp", "192.0.2.1:0", echoOf)
	assert.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
	assert.Equal(t, before, descriptors(t))
	pool.Stop()
	for err = nil; err == nil; { // until the loop has heard it
		_, err = pool.ListenDatagram("udp", "127.0.0.1:0", echoOf)
	}
	assert.ErrorIs(t, err, protocol.ErrStopped)
	assert.ErrorContains(t, err, "listen udp 127.0.0.1:", "it may have been bound meanwhile")
}
