package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
	"github.com/torsion-go/torsion/reactortest"
)

// asking is serverTLS with a callback that runs in each handshake.
func asking(f func() error) *tls.Config {
	return with(serverTLS, func(c *tls.Config) {
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, f() }
	})
}

// Callbacks of the tls.Config are on the loop, as all user code: they may set its
// timers, write to other connections and close ports.
func TestCallbacksAreOnTheLoop(t *testing.T) {
	m := reactortest.NewMemory(reactortest.Config{})
	other, rang := &session{}, false
	plain, err := m.Listen("tcp", "127.0.0.1:0", of(other))
	require.NoError(t, err)
	listener := &session{}
	m.Connect("tcp", plain.Addr().String(), of(listener))
	m.Settle()

	var port factory.Port
	server := &session{}
	c := secure.Config{Server: asking(func() error {
		assert.True(t, m.OnLoop())
		m.AfterFunc(time.Second, func() { rang = true })
		other.say("a client has come")
		return port.Close()
	})}
	port, err = m.Listen("tcp", "127.0.0.1:0", c.Wrap(of(server)))
	require.NoError(t, err)
	client := &session{}
	m.Connect("tcp", port.Addr().String(), clientSide.Wrap(of(client)))
	m.Settle()
	assert.Equal(t, "made, secured", client.take())
	assert.Equal(t, "made, data a client has come", listener.take())
	require.NoError(t, m.Call(func() { assert.True(t, m.OnLoop()) }))
	m.Advance(time.Second)
	assert.True(t, rang)
	_, err = m.Listen("tcp", port.Addr().String(), of(server))
	assert.NoError(t, err, "the port is free")
}

// A callback may use the very transport whose handshake it is part of.
func TestCallbacksMayUseTheirTransport(t *testing.T) {
	for _, c := range []struct {
		name           string
		call           func(server *session)
		server, client string // what they hear
	}{
		{"Write", func(s *session) { s.say("hello") }, "made, secured", "made, secured, data hello"},
		{"LoseConnection", func(s *session) { s.say("bye"); s.LoseConnection() }, "made, lost", "made, secured, data bye, eof, lost"},
		{"protocol.LoseConnection", func(s *session) { protocol.LoseConnection(s.Transport.(protocol.Protocol), nil) }, "made, lost", "made, secured, eof, lost"},
		{"CloseWrite", func(s *session) { s.CloseWrite() }, "made, secured, eof, lost", "made, secured, eof, lost"},
		{"Abort", func(s *session) { s.Abort() }, "made, lost", "made, lost"},
		{"StartTLS", func(s *session) { assert.Equal(t, secure.ErrStarted, s.startTLS()) }, "made, secured", "made, secured"},
		{"PauseReading", func(s *session) { s.PauseReading(); s.ResumeReading() }, "made, resumed, secured", "made, secured"},
		{"TLSState", func(s *session) { _, ok := s.tls(); assert.False(t, ok) }, "made, secured", "made, secured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			noGoroutines(t)
			server, client := &session{}, &session{}
			server.made = func() { assert.NoError(t, server.startTLS()) }
			client.made = func() { assert.NoError(t, client.startTLS()) }
			calls := 0
			side := secure.Config{Server: asking(func() error { calls++; c.call(server); return nil })}
			p := protocoltest.NewPump(offering(clientSide, client), offering(side, server))
			p.Flush()
			assert.Equal(t, c.server, server.take())
			assert.Equal(t, c.client, client.take())
			assert.Equal(t, 1, calls)
		})
	}
}

// A callback is told who the client is.
func TestCallbacksKnowThePeer(t *testing.T) {
	tr := protocoltest.Connect(&session{})
	var local, remote net.Addr
	side := secure.Config{Server: with(serverTLS, func(c *tls.Config) {
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			local, remote = hello.Conn.LocalAddr(), hello.Conn.RemoteAddr()
			return nil, nil
		}
	})}
	foreignClient(t, over(side, &session{}), clientTLS)
	tr.Do(func() {
		assert.Equal(t, tr.LocalAddr(), local)
		assert.Equal(t, tr.RemoteAddr(), remote)
	})
}

// A panic in a callback ends its connection as a panic anywhere does, and an error
// is the reason.
func TestCallbacksThatFail(t *testing.T) {
	callbacks := map[string]func(server, client *tls.Config, f func() error){
		"GetConfigForClient": func(server, _ *tls.Config, f func() error) {
			server.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, f() }
		},
		"GetCertificate": func(server, _ *tls.Config, f func() error) {
			server.Certificates = nil
			server.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, f() }
		},
		"VerifyConnection of the server": func(server, _ *tls.Config, f func() error) {
			server.VerifyConnection = func(tls.ConnectionState) error { return f() }
		},
		"VerifyConnection of the client": func(_, client *tls.Config, f func() error) {
			client.VerifyConnection = func(tls.ConnectionState) error { return f() }
		},
		"VerifyPeerCertificate": func(_, client *tls.Config, f func() error) {
			client.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { return f() }
		},
		"GetClientCertificate": func(server, client *tls.Config, f func() error) {
			server.ClientAuth = tls.RequestClientCert
			client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return nil, f() }
		},
	}
	quietly(t)
	errNo := errors.New("no")
	for name, set := range callbacks {
		t.Run(name, func(t *testing.T) {
			eachVersion(t, func(t *testing.T, v uint16) {
				for _, fail := range []func() error{func() error { return errNo }, func() error { panic(errNo) }} {
					noGoroutines(t)
					s, c := version(serverTLS, v), version(clientTLS, v)
					set(s, c, fail)
					server, client := &session{}, &session{}
					server.made = func() { assert.NoError(t, server.startTLS()) }
					client.made = func() { assert.NoError(t, client.startTLS()) }
					p := protocoltest.NewPump(offering(secure.Config{Client: c}, client), offering(secure.Config{Server: s}, server))
					p.Flush()
					failed := server
					if s.GetConfigForClient == nil && s.GetCertificate == nil && s.VerifyConnection == nil {
						failed = client
					}
					require.ErrorIs(t, failed.reason, errNo)
					var p1 *protocol.PanicError
					var p2 *secure.HandshakeError
					assert.True(t, errors.As(failed.reason, &p1) != errors.As(failed.reason, &p2))
					assert.Equal(t, "made, lost", failed.take())
					assert.Error(t, server.reason)
					assert.Error(t, client.reason)
					_, ok := failed.tls()
					assert.False(t, ok)
				}
			})
		})
	}
}
