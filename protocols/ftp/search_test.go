package ftp

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// counting counts the ports that are tried.
type counting struct {
	factory.Network
	tries *int
}

func (c counting) Tuned(s factory.Socket) factory.Network {
	return counting{c.Network.Tuned(s), c.tries}
}

func (c counting) Listen(network, addr string, f factory.Factory) (factory.Port, error) {
	*c.tries++
	return c.Network.Listen(network, addr, f)
}

const manyPorts = 1000

// nearlyFull is a world in whose range nothing is free but one port, which is closed.
func nearlyFull(t *testing.T) (w *world, tries *int, free factory.Port) {
	tries = new(int)
	w = newWorld(t, func(c *Config) {
		c.PassiveMin, c.PassiveMax = 40000, 40000+manyPorts-1
		c.Network = counting{c.Network, tries}
	})
	for port := range manyPorts {
		p, err := w.Listen("tcp", net.JoinHostPort("192.0.2.1", strconv.Itoa(40000+port)), factory.Each(func() protocol.Protocol { return &end{} }))
		require.NoError(t, err)
		if port == 123 {
			free = p
		}
	}
	w.Settle()
	*tries = 0
	return w, tries, free
}

// However few ports are free, one is found, what the client says meanwhile is obeyed
// after it, and no turn is long.
func TestSearchTakesTurns(t *testing.T) {
	for range 5 { // it begins anywhere
		w, tries, free := nearlyFull(t)
		require.NoError(t, free.Close())
		w.Call(func() { w.ctrl.Write([]byte("EPSV\r\nPWD\r\n")) })
		for before := *tries; w.Step(); before = *tries {
			assert.LessOrEqual(t, *tries-before, triesPerTurn)
		}
		w.hears("229 Entering Extended Passive Mode (|||40123|)\r\n257 \"/\" is the current folder\r\n")
		w.files.put("/a", "hello")
		w.dial(clientIP, "192.0.2.1:40123")
		w.says("RETR a", opened, complete)
	}
}

// Where no port is free the client is told so, when all have been tried once, and the log
// says which those are.
func TestSearchEnds(t *testing.T) {
	w, tries, _ := nearlyFull(t)
	w.logged()
	w.says("EPSV", "425 No port is free")
	assert.Equal(t, manyPorts, *tries)
	assert.Equal(t, `level=ERROR msg="ftp: all ports for data are in use" peer=client ports=40000-40999 decides="Config.PassiveMin and PassiveMax"`+"\n", w.logged())
	w.says("NOOP", "200 Ok")
}

// A server that is about to go down listens no more, and that is no lack of ports.
func TestSearchWhereServerStops(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Network = stopping{c.Network} })
	w.logged()
	w.says("EPSV", "425 Service is shutting down")
	assert.Empty(t, w.logged())
}

// A stopping Network has heard Stop.
type stopping struct{ factory.Network }

func (s stopping) Tuned(factory.Socket) factory.Network { return s }

func (s stopping) Listen(network, _ string, _ factory.Factory) (factory.Port, error) {
	return nil, &net.OpError{Op: "listen", Net: network, Err: protocol.ErrStopped}
}

// A search ends with its client, and before its server.
func TestSearchIsGivenUp(t *testing.T) {
	w, tries, _ := nearlyFull(t)
	w.Call(func() { w.ctrl.Write([]byte("EPSV\r\n")) })
	for *tries == 0 {
		require.True(t, w.Step())
	}
	w.Call(w.ctrl.Abort)
	w.Settle()
	assert.Less(t, *tries, manyPorts)

	w, tries, _ = nearlyFull(t)
	w.Call(func() { w.ctrl.Write([]byte("EPSV\r\n")) })
	for *tries == 0 {
		require.True(t, w.Step())
	}
	w.goesDown()
	w.hears("425 No port is free\r\n421 Service is shutting down\r\n")
}
