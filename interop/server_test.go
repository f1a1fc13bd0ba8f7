package interop

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// loop runs a reactor until the end of the test.
func loop(t *testing.T) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(reactor.Config{DrainTimeout: time.Second}) // a failed test leaves peers behind
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	t.Cleanup(func() {
		r.Stop()
		assert.NoError(t, <-ended)
	})
	return r
}

// A server of ours tells the test why its connections ended, also those that
// were none for the protocol.
type server struct {
	factory.Factory
	host, port string
	lost       chan error
}

// listen serves f on a free port.
func listen(t *testing.T, f factory.Factory) *server {
	t.Helper()
	s := &server{Factory: f, lost: make(chan error, 1000)}
	port, err := loop(t).Listen("tcp", "127.0.0.1:0", s)
	require.NoError(t, err)
	s.host, s.port, err = net.SplitHostPort(port.Addr().String())
	require.NoError(t, err)
	return s
}

func (s *server) addr() string { return net.JoinHostPort(s.host, s.port) }

func (s *server) Inner() any { return s.Factory }

func (s *server) BuildProtocol(peer net.Addr) protocol.Protocol {
	return &watched{s.Factory.BuildProtocol(peer), s.lost}
}

// Lost waits for the end of a connection.
func (s *server) Lost(t *testing.T) error {
	t.Helper()
	return receive(t, s.lost)
}

type watched struct {
	protocol.Protocol
	lost chan<- error
}

func (w *watched) Inner() any { return w.Protocol }

func (w *watched) ConnectionMade(t protocol.Transport) { protocol.Connect(w.Protocol, t) }

func (w *watched) ConnectionLost(reason error) {
	w.Protocol.ConnectionLost(reason)
	w.lost <- reason
}

// receive waits for what comes out of a channel.
func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		require.FailNow(t, "nothing happened")
	}
	return v
}

// An echo of ours tells the test about its connections' TLS.
type echo struct {
	protocol.Base
	secured chan<- tls.ConnectionState // may be nil
}

func (e *echo) Secured(state tls.ConnectionState) {
	if e.secured != nil {
		e.secured <- state
	}
}

func (e *echo) DataReceived(data []byte) { e.Write(data) }

// echoes returns a factory of echoes, and what they tell.
func echoes() (factory.Factory, <-chan tls.ConnectionState) {
	secured := make(chan tls.ConnectionState, 1000)
	return factory.Each(func() protocol.Protocol { return &echo{secured: secured} }), secured
}
