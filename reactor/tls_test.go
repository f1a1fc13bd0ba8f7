package reactor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
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
// where they get no tickets, and the sessions of others are resumed all the same.
func TestUploadsWithoutTickets(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(v), func(t *testing.T) {
			const size, uploads = 1 << 20, 20
			server, client := tlsSides(t)
			client.MinVersion, client.MaxVersion = v, v
			client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			r := start(t, reactor.Config{})
			control := listen(t, r, secure.Config{Server: server}.Wrap(serving(probe{
				made: func(tr protocol.Transport) { tr.Write([]byte("hello")) },
			})))
			c := tls.Client(dial(t, control.Addr()), client)
			_, err := io.ReadFull(c, make([]byte, 5)) // and the ticket before it
			require.NoError(t, err)

			type upload struct {
				size    int
				resumed bool
				reason  error
			}
			got := make(chan upload, uploads)
			data := listen(t, r, secure.Config{Server: server, NoTickets: true}.Wrap(factory.Each(func() protocol.Protocol {
				u, p := upload{}, &probe{}
				p.made = func(tr protocol.Transport) {
					s, _ := protocol.As[protocol.TLSStater](tr)
					state, _ := s.TLSState()
					u.resumed = state.DidResume
				}
				p.data = func(_ protocol.Transport, data []byte) { u.size += len(data) }
				p.lost = func(reason error) { u.reason = reason; got <- u }
				return p
			})))
			var all sync.WaitGroup
			for range uploads {
				all.Go(func() {
					raw, err := net.Dial("tcp", data.Addr().String())
					if !assert.NoError(t, err) {
						return
					}
					c := tls.Client(raw, client)
					_, err = c.Write(make([]byte, size))
					assert.NoError(t, err)
					assert.NoError(t, c.Close())
				})
			}
			all.Wait()
			for range uploads {
				u := wait(t, got)
				assert.Equal(t, size, u.size)
				assert.Equal(t, protocol.ErrConnectionDone, u.reason)
				assert.True(t, u.resumed)
			}
		})
	}
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
