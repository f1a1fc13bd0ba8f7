package portforward_test

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A connection that breaks breaks the other one.
func TestResetIsPassedOn(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		client, server := s.pair()
		s.do(func() { client.Write([]byte("x")); server.Abort() })
		assert.True(t, protocol.IsReset(client.reason), client.reason)
		client, server = s.pair()
		s.do(client.Abort)
		assert.True(t, protocol.IsReset(server.reason), server.reason)
		for _, reason := range s.clients {
			assert.True(t, protocol.IsReset(reason), reason)
		}
		assert.Len(t, s.clients, 2)
	})
}

// A server that has said all and is gone answers what its client still says with a
// reset, which must not cost the client the end of what the server said.
func TestLateResetDestroysNothing(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		const size = 200 << 10
		client, server := s.pair()
		s.do(func() { client.PauseReading() })
		s.do(func() { server.Write(make([]byte, size)); server.LoseConnection() })
		s.Advance(time.Minute) // it has waited for the client's end for long enough
		require.NoError(t, client.reason)
		require.Equal(t, protocol.ErrConnectionDone, server.reason)
		s.do(func() { client.Write([]byte("thank you")) })
		s.do(client.ResumeReading)
		assert.Equal(t, size, client.heard.Len())
		assert.True(t, client.eof)
		s.do(client.LoseConnection)
		assert.Equal(t, []error{protocol.ErrConnectionDone}, s.clients)
	})
}

// Whoever closes in order closes the other in order, when that has all that was said.
func TestCloseIsPassedOn(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		for first := range 2 {
			client, server := s.pair()
			a, b := client, server
			if first == 1 {
				a, b = server, client
			}
			s.do(func() { b.PauseReading() })
			s.do(func() { a.Write(make([]byte, 100<<10)); a.LoseConnection() })
			s.do(b.ResumeReading)
			assert.Equal(t, 100<<10, b.heard.Len())
			assert.True(t, b.eof)
			s.do(b.LoseConnection)
			assert.Equal(t, protocol.ErrConnectionDone, a.reason)
			assert.Equal(t, protocol.ErrConnectionDone, b.reason)
		}
	})
}

// A client whose server is not to be had is told so by a reset, and we by Failed.
func TestNobodyThere(t *testing.T) {
	s := newScene(t)
	var failed []error
	s.proxy.Failed = func(client net.Addr, err error) {
		assert.Equal(t, "192.0.2.1", client.(*net.TCPAddr).IP.String())
		failed = append(failed, err)
	}
	_, err := s.Listen("tcp", front, s.noting(&s.proxy))
	require.NoError(t, err)
	client := s.join("first words")
	s.Settle()
	assert.True(t, protocol.IsReset(client.reason))
	require.Len(t, failed, 1)
	assert.ErrorIs(t, failed[0], syscall.ECONNREFUSED)
	assert.Equal(t, failed, s.clients)

	s.proxy.Failed = nil
	client = s.join("")
	s.Settle()
	assert.True(t, protocol.IsReset(client.reason))
	s.stop()
}

// A client that goes while it is being connected takes the attempt with it. A
// connection that comes of it nevertheless is closed.
func TestClientGoesEarly(t *testing.T) {
	s := newScene(t)
	n := &late{Network: s.Memory}
	s.proxy.Network = n
	s.proxy.Failed = func(net.Addr, error) { t.Error("there was nobody to fail") }
	s.open(func(f factory.Factory) factory.Factory { return f })
	client := s.join("first words")
	s.do(client.Abort)
	require.Len(t, s.clients, 1)
	assert.True(t, n.stopped)
	s.Memory.Connect("tcp", back, n.factory)
	s.Settle()
	require.Len(t, s.servers, 1)
	assert.Empty(t, s.servers[0].heard.String())
	assert.True(t, s.servers[0].eof)
}

// Connectors that have done their work are given up, each of them.
func TestConnectorsAreGivenUp(t *testing.T) {
	s := newScene(t)
	n := &counting{Network: s.Memory}
	s.proxy.Network = n
	s.open(func(f factory.Factory) factory.Factory { return f })
	client, server := s.pair()
	s.do(client.LoseConnection)
	s.do(server.LoseConnection)
	client, server = s.pair()
	s.do(server.Abort)
	assert.Error(t, client.reason)
	s.proxy.To = "192.0.2.1:1" // where nobody is
	client = s.join("")
	s.Settle()
	assert.Error(t, client.reason)
	require.Len(t, n.connectors, 3)
	for _, c := range n.connectors {
		assert.True(t, c.Stopped())
	}
	s.stop()
}

// A counting network keeps its connectors.
type counting struct {
	factory.Network
	connectors []factory.Connector
}

func (c *counting) Connect(network, addr string, f factory.Factory) factory.Connector {
	n := c.Network.Connect(network, addr, f)
	c.connectors = append(c.connectors, n)
	return n
}

// A server that goes down lets its clients say all they have to say, and waits for
// no longer than DrainTimeout.
func TestShutdownDrains(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		client, server := s.pair()
		patient, _ := s.pair()
		s.Stop()
		s.Settle()
		s.do(func() { server.Write([]byte("the answer")) })
		s.do(func() { client.Write([]byte("one more thing")); client.CloseWrite() })
		s.do(func() { server.Write([]byte(", in full")); server.LoseConnection() })
		assert.Equal(t, "the answer, in full", client.heard.String())
		assert.Equal(t, "one more thing", server.heard.String())
		assert.ErrorIs(t, client.reason, protocol.ErrConnectionDone)
		assert.NoError(t, patient.reason)
		s.Advance(time.Minute)
		assert.ErrorIs(t, patient.reason, protocol.ErrShutdown)
		s.finish()
	})
}

// While nobody is connected through, a shutdown ends the attempt and the client.
func TestShutdownWhileConnecting(t *testing.T) {
	s := newScene(t)
	s.open(func(f factory.Factory) factory.Factory { return f })
	client := s.join("first words")
	s.Stop()
	s.Settle()
	assert.True(t, protocol.IsReset(client.reason), "%v", client.reason)
	require.Len(t, s.clients, 1)
	assert.ErrorIs(t, s.clients[0], protocol.ErrStopped)
	require.Len(t, s.servers, 1, "it waited at its port, which is closed")
	assert.Error(t, s.servers[0].reason)
	assert.Empty(t, s.servers[0].heard.String())
	s.finish()
}

// Who says nothing for too long is dropped, with the other; also if he has ended his
// side and now only listens.
func TestSilenceEndsBoth(t *testing.T) {
	s := newScene(t)
	s.proxy.Idle = time.Minute
	s.open(func(f factory.Factory) factory.Factory { return f })
	client, server := s.pair()
	listener, speaker := s.pair()
	s.do(listener.CloseWrite)
	for range 5 {
		s.Advance(40 * time.Second)
		s.do(func() { client.Write([]byte("x")); speaker.Write([]byte("x")) })
		s.Advance(40 * time.Second)
		s.do(func() { server.Write([]byte("x")); speaker.Write([]byte("x")) })
	}
	assert.Empty(t, s.clients)
	s.Advance(2 * time.Minute)
	require.Len(t, s.clients, 2)
	for _, reason := range s.clients {
		assert.True(t, errors.Is(reason, factory.ErrIdle) || errors.Is(reason, protocol.ErrConnectionDone), reason)
	}
	for _, e := range []*end{client, server, listener, speaker} {
		assert.True(t, e.eof)
		assert.False(t, protocol.IsReset(e.reason))
	}
}
