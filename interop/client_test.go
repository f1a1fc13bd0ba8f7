package interop

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
)

// A client of ours is one connection and its own factory. What the peer sends is
// what the speaker says.
type client struct {
	*speaker
	loop      protocol.Loop
	made      chan struct{} // closed when there is a connection
	transport protocol.Transport
	failed    error // why there never was one
	reason    error // why it ended
}

// dial connects to addr over TLS.
func dial(t *testing.T, addr string, config secure.Config) *client {
	t.Helper()
	r := loop(t)
	c := &client{speaker: listenTo(t, addr), loop: r, made: make(chan struct{})}
	r.Connect("tcp", addr, config.Wrap(c))
	return c
}

// do has f happen on the connection when there is one.
func (c *client) do(f func(t protocol.Transport)) {
	c.t.Helper()
	receive(c.t, c.made)
	require.NoError(c.t, c.loop.Call(func() { f(c.transport) }))
}

// Say sends a line.
func (c *client) Say(text string) {
	c.t.Helper()
	c.do(func(t protocol.Transport) { _, _ = io.WriteString(t, text+"\n") }) // Lost says why not
}

// Leave closes behind what was said, EndHalf ends only the half that is ours.
func (c *client) Leave()   { c.do(protocol.Transport.LoseConnection) }
func (c *client) EndHalf() { c.do(protocol.Transport.CloseWrite) }

// Lost waits for the end of the connection and returns why it ended.
func (c *client) Lost() error {
	c.t.Helper()
	c.wait()
	require.NoError(c.t, c.failed, "there never was a connection")
	return c.reason
}

// Failed waits for the end of a connection that never was one.
func (c *client) Failed() error {
	c.t.Helper()
	c.wait()
	require.Error(c.t, c.failed)
	return c.failed
}

func (c *client) BuildProtocol(net.Addr) protocol.Protocol { return c }

func (c *client) ConnectionMade(t protocol.Transport) {
	c.transport = t
	close(c.made)
}

func (c *client) DataReceived(data []byte) { c.Write(data) }

func (c *client) ConnectionLost(reason error) { c.reason = reason }

func (c *client) Connecting(factory.Connector) {}

func (c *client) ConnectFailed(_ factory.Connector, err error) {
	c.failed = err
	close(c.ended)
}

func (c *client) Disconnected(factory.Connector, error) { close(c.ended) }
