package reactor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactor"
)

// tlsSides returns the configuration of a server and of its clients.
func tlsSides(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	cert, err := secure.SelfSigned("torsion.test")
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(cert.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: trusted, ServerName: "torsion.test"}
}

// Of what clients of crypto/tls send who then close and never read, nothing is lost
// where they get no tickets, and the sessions of others are resumed all the same. Where
// certificates are asked for, a ticket would come when the client is sending already.
func TestUploadsWithoutTickets(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, resume := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s resumed %v", tls.VersionName(v), resume), func(t *testing.T) {
				server, client := tlsSides(t)
				client.MinVersion, client.MaxVersion = v, v
				r := start(t, reactor.Config{})
				if resume {
					client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
					takeTicket(t, r, server, client)
				} else {
					server.ClientAuth = tls.RequestClientCert
				}
				for _, u := range uploads(t, r, secure.Config{Server: server, NoTickets: true}, client) {
					assert.Equal(t, uploaded, u.size)
					assert.Equal(t, protocol.ErrConnectionDone, u.reason)
					assert.Equal(t, resume, u.resumed)
				}
			})
		}
	}
}

// takeTicket has a client get a ticket of a server of the same configuration.
func takeTicket(t *testing.T, r *reactor.Reactor, server, client *tls.Config) {
	control := listen(t, r, secure.Config{Server: server}.Wrap(serving(probe{
		made: func(tr protocol.Transport) { tr.Write([]byte("hello")) },
	})))
	_, err := io.ReadFull(tls.Client(dial(t, control.Addr()), client), make([]byte, 5)) // and the ticket before it
	require.NoError(t, err)
}

// An upload is what the server has seen of one.
type upload struct {
	size    int
	resumed bool
	reason  error
}

const uploaded = 64 << 10 // bytes of each, which fit into the client's socket

// uploads has some clients send all at once and close, before the server reads on.
func uploads(t *testing.T, r *reactor.Reactor, server secure.Config, client *tls.Config) []upload {
	t.Helper()
	const n = 20
	made, got := make(chan protocol.Transport, n), make(chan upload, n)
	small := r.Tuned(factory.Socket{ReadBuffer: 8 << 10}) // so that much is on its way at the end
	port, err := small.Listen("tcp", "127.0.0.1:0", server.Wrap(factory.Each(func() protocol.Protocol {
		u, p := upload{}, &probe{}
		p.made = func(tr protocol.Transport) {
			s, _ := protocol.As[protocol.TLSStater](tr)
			state, _ := s.TLSState()
			u.resumed = state.DidResume
			tr.PauseReading()
			made <- tr
		}
		p.data = func(_ protocol.Transport, data []byte) { u.size += len(data) }
		p.lost = func(reason error) { u.reason = reason; got <- u }
		return p
	})))
	require.NoError(t, err)
	var clients sync.WaitGroup
	for range n {
		clients.Go(func() {
			raw, err := net.Dial("tcp", port.Addr().String())
			if !assert.NoError(t, err) {
				return
			}
			own := client.Clone()
			if own.ClientSessionCache == nil { // then crypto/tls wants no ticket
				own.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			}
			c := tls.Client(raw, own)
			_, err = c.Write(make([]byte, uploaded))
			assert.NoError(t, err)
			assert.NoError(t, c.Close())
		})
	}
	clients.Wait()
	for range n {
		require.NoError(t, r.Call(wait(t, made).ResumeReading))
	}
	var all []upload
	for range n {
		all = append(all, wait(t, got))
	}
	return all
}

// A callback of a tls.Config that ends its goroutine ends the reactor as any other, and
// handshakes that are under way leave nothing behind.
func TestGoexitInATLSCallback(t *testing.T) {
	before := runtime.NumGoroutine()
	server, client := tlsSides(t)
	server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		runtime.Goexit()
		return nil, nil
	}
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	port, err := r.Listen("tcp", "127.0.0.1:0", secure.Config{Server: server}.Wrap(serving(probe{})))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	stalled := dial(t, port.Addr())
	for on(t, r, func() int { return r.Stats().Connections }) == 0 {
		runtime.Gosched()
	}
	c := dial(t, port.Addr())
	assert.Error(t, tls.Client(c, client).Handshake())
	assert.ErrorContains(t, wait(t, ended), "Goexit")
	stalled.Close()
	c.Close()
	for end := time.Now().Add(patient); runtime.NumGoroutine() > before; runtime.Gosched() {
		require.True(t, time.Now().Before(end), "%d goroutines, there were %d", runtime.NumGoroutine(), before)
	}
}

// Two reactors may share a factory that knows no connections, over TLS as without.
func TestReactorsShareATLSFactory(t *testing.T) {
	server, client := tlsSides(t)
	f := secure.Config{Server: server}.Wrap(serving(probe{data: echo}))
	var all sync.WaitGroup
	for range 2 {
		port := listen(t, start(t, reactor.Config{}), f)
		for range 4 {
			all.Go(func() {
				for range 5 {
					c, err := tls.Dial("tcp", port.Addr().String(), client)
					if !assert.NoError(t, err) {
						return
					}
					_, err = c.Write([]byte("hello"))
					assert.NoError(t, err)
					_, err = io.ReadFull(c, make([]byte, 5))
					assert.NoError(t, err)
					assert.NoError(t, c.Close())
				}
			})
		}
	}
	all.Wait()
}

// The watchdog shows the stack of a callback of a tls.Config, which has one of its own.
func TestWatchdogShowsTLSCallbacks(t *testing.T) {
	server, client := tlsSides(t)
	noticed := make(chan bool)
	server.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		holdTheLoop(noticed)
		return nil, nil
	}
	var log hosttest.Log
	r := start(t, reactor.Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), Watchdog: 5 * time.Millisecond})
	port := listen(t, r, secure.Config{Server: server}.Wrap(serving(probe{})))
	done := make(chan error, 1)
	c := tls.Client(dial(t, port.Addr()), client)
	go func() { done <- c.Handshake() }()
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "holds the loop") }, patient, time.Millisecond)
	close(noticed)
	assert.NoError(t, wait(t, done))
	assert.Contains(t, log.String(), "holdTheLoop")
}
