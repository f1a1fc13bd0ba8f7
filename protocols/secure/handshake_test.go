package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
)

// However the network cuts them, both sides shake hands with each other and with
// crypto/tls itself, and what follows arrives.
func TestHandshakeIgnoresCuts(t *testing.T) {
	eachVersion(t, func(t *testing.T, v uint16) {
		s, c := secure.Config{Server: version(serverTLS, v)}, secure.Config{Client: version(clientTLS, v)}
		for _, most := range []int{0, 1, 2, 7, 100} {
			server, client := &session{}, &session{}
			client.made = func() { client.say("hello"); client.LoseConnection() }
			p := protocoltest.NewPump(over(c, client), over(s, server))
			p.MaxPiece(most)
			p.Flush()
			assert.Equal(t, "made, secured, data hello, eof, lost", server.take())
			assert.Equal(t, v, server.state.Version)
		}
		for name := range protocoltest.Cuts("") {
			cut := func(tr *protocoltest.Transport) func(p []byte) []byte {
				return func(p []byte) []byte {
					for n, pieces := range protocoltest.Cuts(string(p)) {
						if n == name {
							for _, piece := range pieces {
								tr.Receive(piece)
							}
						}
					}
					return nil
				}
			}
			server := &session{}
			w := &wire{tr: protocoltest.Connect(over(s, server))}
			w.sent = cut(w.tr)
			conn := tls.Client(w, c.Client)
			require.NoError(t, conn.Handshake())
			fmt.Fprint(conn, "hello")
			assert.Equal(t, "made, secured, data hello", server.take())

			client := &session{}
			tr, w, conn := foreignServer(over(c, client), s.Server)
			w.sent = cut(tr)
			require.NoError(t, conn.Handshake())
			fmt.Fprint(conn, "hello")
			assert.Equal(t, "made, secured, data hello", client.take())
		}
	})
}

// The protocol inside is built when the handshake is done, is connected, and then is
// told so. What it writes meanwhile comes in its order.
func TestWrapBuildsBehindTheHandshake(t *testing.T) {
	eachVersion(t, func(t *testing.T, v uint16) {
		built := 0
		server := &session{}
		server.made = func() {
			_, ok := server.tls()
			assert.True(t, ok)
			server.say("one ")
		}
		server.secured = func(state tls.ConnectionState) {
			assert.True(t, state.HandshakeComplete)
			server.say("two")
		}
		f := serverSide.Wrap(factory.Func(func(from net.Addr) protocol.Protocol {
			built++
			assert.Equal(t, peer, from)
			return server
		}))
		p := f.BuildProtocol(peer)
		assert.Zero(t, built)
		w := &wire{tr: protocoltest.Connect(p)}
		conn := tls.Client(w, version(clientTLS, v))
		w.sent = func(p []byte) []byte { assert.Zero(t, built); return p }
		require.NoError(t, conn.Handshake())
		assert.Equal(t, 1, built)
		assert.Equal(t, "made, secured", server.take())
		got, err := read(conn)
		assert.NoError(t, err)
		assert.Equal(t, "one two", got)
	})
}

// TLSState is for whoever asks, whenever: there is one when the handshake is done, and
// for ever after, the end included.
func TestTLSState(t *testing.T) {
	server, client := &session{}, &session{}
	has := func(want bool) {
		t.Helper()
		state, ok := server.tls()
		assert.Equal(t, want, ok)
		assert.Equal(t, want, state.HandshakeComplete)
		if want {
			assert.Equal(t, "torsion.test", state.ServerName)
		}
	}
	server.made = func() {
		has(false)
		assert.NoError(t, server.startTLS())
		has(false)
	}
	server.secured = func(tls.ConnectionState) { has(true) }
	server.lost = func() { has(true) }
	p := protocoltest.NewPump(over(clientSide, client), offering(serverSide, server))
	p.Flush()
	p.Do(client.LoseConnection)
	assert.Equal(t, "made, secured, eof, lost", server.take())
	p.Do(func() { has(true) })

	// A handshake that ended in the middle has come to nothing.
	server.lost = func() { has(false) }
	*server = session{made: server.made, lost: server.lost}
	tr := protocoltest.Connect(offering(serverSide, server))
	tr.Do(func() { has(false) })
	tr.Reset()
	assert.Equal(t, "made, lost", server.take())
	tr.Do(func() { has(false) })
}

// A server may have several certificates, by name.
func TestCertificateByName(t *testing.T) {
	other, err := secure.SelfSigned("other.test", "192.0.2.1")
	require.NoError(t, err)
	s := secure.Config{Server: with(serverTLS, func(c *tls.Config) { c.Certificates = append(c.Certificates[:1:1], other) })}
	trusted := x509.NewCertPool()
	trusted.AddCert(other.Leaf)
	for name, c := range map[string]*tls.Config{
		"torsion.test": clientTLS,
		"other.test":   {RootCAs: trusted, ServerName: "other.test"},
	} {
		client := &session{}
		protocoltest.NewPump(over(secure.Config{Client: c}, client), over(s, &session{})).Flush()
		if assert.Equal(t, "made, secured", client.take()) {
			assert.Equal(t, name, client.state.PeerCertificates[0].DNSNames[0])
		}
	}
}

// Sides with no application protocol in common do not get together, and those that do
// not care do.
func TestApplicationProtocols(t *testing.T) {
	side := func(c *tls.Config, names ...string) *tls.Config {
		return with(c, func(c *tls.Config) { c.NextProtos = names })
	}
	for _, c := range []struct {
		server, client []string
		chosen         string
	}{
		{[]string{"a", "b"}, []string{"b", "a"}, "a"},
		{[]string{"a"}, nil, ""},
		{nil, []string{"a"}, ""},
		{[]string{"a"}, []string{"b"}, "none"},
	} {
		server, client := &session{}, &session{}
		s := protocoltest.NewPump(over(secure.Config{Client: side(clientTLS, c.client...)}, client),
			over(secure.Config{Server: side(serverTLS, c.server...)}, server))
		s.Flush()
		if c.chosen != "none" {
			assert.Equal(t, c.chosen, server.state.NegotiatedProtocol)
			assert.Equal(t, c.chosen, client.state.NegotiatedProtocol)
			continue
		}
		assert.Empty(t, server.take()+client.take())
		var failed *secure.HandshakeError
		assert.ErrorAs(t, s.Server.Lost(), &failed)
		assert.ErrorAs(t, s.Client.Lost(), &failed)
		assert.ErrorContains(t, s.Client.Lost(), "no application protocol")
	}
}

// Certificates of clients that a server requires are there, or each side has a reason.
func TestClientCertificates(t *testing.T) {
	cert, err := secure.SelfSigned("client.test")
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(cert.Leaf)
	stranger, err := secure.SelfSigned("client.test")
	require.NoError(t, err)
	for _, c := range []struct {
		name           string
		certs          []tls.Certificate
		server, client string // reasons
	}{
		{"good", []tls.Certificate{cert}, "", ""},
		{"missing", nil, "client didn't provide a certificate", "certificate required"},
		{"unknown", []tls.Certificate{stranger}, "signed by unknown authority", "unknown certificate authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachVersion(t, func(t *testing.T, v uint16) {
				s := with(version(serverTLS, v), func(c *tls.Config) {
					c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, trusted
				})
				cl := with(version(clientTLS, v), func(conf *tls.Config) { conf.Certificates = c.certs })
				server, client := &session{}, &session{}
				p := protocoltest.NewPump(over(secure.Config{Client: cl}, client), over(secure.Config{Server: s}, server))
				p.Flush()
				if c.server == "" {
					require.Equal(t, "made, secured", server.take())
					assert.Equal(t, cert.Leaf.Raw, server.state.PeerCertificates[0].Raw)
					assert.NotEmpty(t, server.state.VerifiedChains)
					return
				}
				var failed *secure.HandshakeError
				require.ErrorAs(t, p.Server.Lost(), &failed)
				assert.ErrorContains(t, p.Server.Lost(), c.server)
				assert.Empty(t, server.take())
				var alert *net.OpError
				require.ErrorAs(t, p.Client.Lost(), &alert)
				assert.Equal(t, "remote error", alert.Op)
				if v == tls.VersionTLS13 {
					// There the client's handshake is done before the server looks (RFC 8446,
					// section 4.4.2.4).
					assert.Equal(t, "made, secured, lost", client.take())
					assert.False(t, errors.As(p.Client.Lost(), &failed))
					assert.ErrorContains(t, p.Client.Lost(), c.client)
				} else {
					assert.Empty(t, client.take())
					assert.ErrorAs(t, p.Client.Lost(), &failed)
				}
			})
		})
	}
}

// helloOf is what a client says first.
func helloOf(t *testing.T, c *tls.Config) string {
	t.Helper()
	p := over(secure.Config{Client: c}, &session{})
	tr := protocoltest.Connect(p)
	defer tr.Do(tr.Abort)
	return tr.Take()
}
