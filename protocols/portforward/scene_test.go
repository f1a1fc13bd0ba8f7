package portforward_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/portforward"
	"github.com/torsion-go/torsion/reactortest"
)

const (
	front = "192.0.2.1:2525" // where the proxy listens
	back  = "192.0.2.1:25"   // where it connects to
)

// An end is a client or a server: it keeps what it hears, and its side open until
// the test closes it.
type end struct {
	protocol.Base
	heard  bytes.Buffer
	echoes bool
	eof    bool
	reason error
}

func (e *end) DataReceived(data []byte) {
	e.heard.Write(data)
	if e.echoes {
		e.Write(data)
	}
}

func (e *end) EOFReceived() (keep bool) {
	if e.eof = true; e.echoes {
		e.CloseWrite()
	}
	return true
}

func (e *end) PauseWriting() {
	if e.echoes {
		e.PauseReading()
	}
}

func (e *end) ResumeWriting() {
	if e.echoes {
		e.ResumeReading()
	}
}

// Shutdown leaves the end to the test, too.
func (e *end) Shutdown() {}

func (e *end) ConnectionLost(reason error) { e.reason = reason }

// A scene is a network with a proxy on it, and what is around that.
type scene struct {
	*reactortest.Memory
	t       *testing.T
	proxy   portforward.Factory
	servers []*end  // that were connected to, in order
	echoes  bool    // what they do
	clients []error // the reasons for which the proxy's clients ended
}

func newScene(t *testing.T) *scene {
	m := reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler), DrainTimeout: time.Minute})
	return &scene{Memory: m, t: t, proxy: portforward.Factory{Network: m, To: back}}
}

// open listens at both addresses, with f around the proxy.
func (s *scene) open(f func(factory.Factory) factory.Factory) {
	s.t.Helper()
	s.serve()
	_, err := s.Listen("tcp", front, s.noting(f(&s.proxy)))
	require.NoError(s.t, err)
	s.Settle()
}

// serve listens where the proxy connects to.
func (s *scene) serve() {
	s.t.Helper()
	_, err := s.Listen("tcp", back, factory.Each(func() protocol.Protocol {
		e := &end{echoes: s.echoes}
		s.servers = append(s.servers, e)
		return e
	}))
	require.NoError(s.t, err)
}

// noting notes how the connections of f end.
func (s *scene) noting(f factory.Factory) factory.Factory {
	return factory.Func(func(peer net.Addr) protocol.Protocol { return &noted{f.BuildProtocol(peer), s} })
}

type noted struct {
	protocol.Protocol
	s *scene
}

func (n *noted) Inner() any                          { return n.Protocol }
func (n *noted) ConnectionMade(t protocol.Transport) { protocol.Connect(n.Protocol, t) }
func (n *noted) ConnectionLost(reason error) {
	n.Protocol.ConnectionLost(reason)
	n.s.clients = append(n.s.clients, reason)
}

// join connects a client that says early as soon as it is connected.
func (s *scene) join(early string) *end {
	s.t.Helper()
	c := &end{}
	s.Connect("tcp", front, factory.Each(func() protocol.Protocol { return c }))
	for c.Transport == nil {
		require.True(s.t, s.Step())
	}
	require.NoError(s.t, s.Call(func() { c.Write([]byte(early)) }))
	return c
}

// pair connects a client through, and returns both ends.
func (s *scene) pair() (client, server *end) {
	s.t.Helper()
	client = s.join("")
	s.Settle()
	require.NotEmpty(s.t, s.servers)
	return client, s.servers[len(s.servers)-1]
}

// do runs f on the loop and all that follows from it.
func (s *scene) do(f func()) {
	s.t.Helper()
	require.NoError(s.t, s.Call(f))
	s.Settle()
}

// stop requires that nothing is left that a shutdown would wait for.
func (s *scene) stop() {
	s.t.Helper()
	s.Stop()
	s.finish()
}

// finish requires that of a shutdown that has begun.
func (s *scene) finish() {
	s.t.Helper()
	assert.NoError(s.t, s.Run(context.Background()))
}

// A clear layer changes nothing.
type clear struct{ protocol.Layer }

// each runs test with a proxy alone, one on layers, and one with policies on both of
// its sides.
func each(t *testing.T, test func(t *testing.T, s *scene)) {
	t.Run("alone", func(t *testing.T) {
		s := newScene(t)
		s.open(func(f factory.Factory) factory.Factory { return f })
		test(t, s)
	})
	t.Run("on layers", func(t *testing.T) {
		s := newScene(t)
		s.open(func(f factory.Factory) factory.Factory {
			return factory.Func(func(peer net.Addr) protocol.Protocol {
				return protocol.Stack(&clear{}, protocol.Protocol(protocol.Stack(&clear{}, f.BuildProtocol(peer))))
			})
		})
		test(t, s)
	})
	t.Run("with policies", func(t *testing.T) {
		s := newScene(t)
		s.proxy.Idle = time.Hour
		s.open(new(factory.Limit).Around)
		test(t, s)
	})
}
