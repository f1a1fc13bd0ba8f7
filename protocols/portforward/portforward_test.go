package portforward_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/portforward"
	"github.com/torsion-go/torsion/reactortest"
)

// What either side says the other hears, in order, and nothing else.
func TestBothSidesHear(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		client, server := s.pair()
		s.do(func() { server.Write([]byte("220 ready\r\n")) })
		s.do(func() { client.Write([]byte("EHLO\r\n")) })
		s.do(func() { server.Write([]byte("250 ok")); server.Write([]byte("\r\n")) })
		assert.Equal(t, "220 ready\r\n250 ok\r\n", client.heard.String())
		assert.Equal(t, "EHLO\r\n", server.heard.String())
	})
}

// What a client says, and that it has said all, waits for the other side to be there.
func TestEarlyInputWaits(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		const size = 1 << 20
		client := s.join("first words")
		s.do(func() { client.Write(make([]byte, size)); client.CloseWrite() })
		require.Len(t, s.servers, 1)
		server := s.servers[0]
		assert.True(t, bytes.HasPrefix(server.heard.Bytes(), []byte("first words")))
		assert.Equal(t, len("first words")+size, server.heard.Len())
		assert.True(t, server.eof)
	})
}

// A late network connects when the test does.
type late struct {
	factory.Network
	factory factory.Factory
	stopped bool
}

func (l *late) Connect(_, _ string, f factory.Factory) factory.Connector {
	l.factory = f
	return attempt{l}
}

// An attempt is one that goes on for ever.
type attempt struct{ network *late }

func (a attempt) Addr() string  { return back }
func (a attempt) Connect()      {}
func (a attempt) Stop()         { a.network.stopped = true }
func (a attempt) Stopped() bool { return a.network.stopped }

// While a client is not connected through it is not read, so all that it can make us
// hold is what the kernel does.
func TestEarlyInputIsBounded(t *testing.T) {
	s := newScene(t)
	n := &late{Network: s.Memory}
	s.proxy.Network = n
	s.open(func(f factory.Factory) factory.Factory { return f })
	client := s.join("")
	s.do(func() { client.Write(make([]byte, 2<<20)) })
	s.do(func() { assert.Greater(t, client.Buffered(), 1<<20) })
	s.Memory.Connect("tcp", back, n.factory)
	s.Settle()
	assert.Equal(t, 2<<20, s.servers[0].heard.Len())
}

// Two that say much and read nothing are held back, each by the other, and neither
// loses a byte of it.
func TestSlowEndsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		const size, inside = 2 << 20, 1 << 20
		client, server := s.pair()
		ends := []*end{client, server}
		s.do(func() {
			for _, e := range ends {
				e.PauseReading()
				e.Write(make([]byte, size))
			}
		})
		s.do(func() {
			for _, e := range ends {
				assert.Greater(t, e.Buffered(), size-inside)
			}
		})
		s.do(client.ResumeReading)
		assert.Equal(t, size, client.heard.Len())
		assert.Zero(t, server.heard.Len(), "one way does not open the other")
		s.do(server.ResumeReading)
		assert.Equal(t, size, server.heard.Len())
	})
}

// Whoever sends all before he reads the echo of it gets it: the ways do not wait for
// each other.
func TestEchoOfEverything(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		s.echoes = true
		client, server := s.pair()
		s.do(func() { client.Write(make([]byte, 2<<20)); client.CloseWrite() })
		assert.Equal(t, 2<<20, client.heard.Len())
		assert.True(t, client.eof)
		assert.ErrorIs(t, client.reason, protocol.ErrConnectionDone)
		assert.ErrorIs(t, server.reason, protocol.ErrConnectionDone)
	})
}

// The end of one stream is passed on and is the end of nothing else, on either side.
func TestHalfClose(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		for first := range 2 {
			client, server := s.pair()
			a, b := client, server
			if first == 1 {
				a, b = server, client
			}
			s.do(func() { a.Write([]byte("question")); a.CloseWrite() })
			assert.True(t, b.eof)
			assert.Equal(t, "question", b.heard.String())
			s.do(func() { b.Write([]byte("long ")) })
			s.do(func() { b.Write([]byte("answer")); b.CloseWrite() })
			assert.True(t, a.eof)
			assert.Equal(t, "long answer", a.heard.String())
			assert.Equal(t, protocol.ErrConnectionDone, a.reason)
			assert.Equal(t, protocol.ErrConnectionDone, b.reason)
		}
		assert.Equal(t, []error{protocol.ErrConnectionDone, protocol.ErrConnectionDone}, s.clients)
	})
}

// A Factory that cannot connect is noticed when it is listened with.
func TestFactoryNeedsNetworkAndTo(t *testing.T) {
	n := reactortest.NewMemory(reactortest.Config{})
	for _, f := range []*portforward.Factory{{}, {Network: n}, {To: back}} {
		_, err := n.Listen("tcp", front, factory.Idle{}.Around(f))
		assert.EqualError(t, err, "portforward: a Factory needs Network and To")
	}
}
