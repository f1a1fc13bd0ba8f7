package netconn_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactortest"
)

// certified returns two sides of TLS; the client trusts the server.
func certified(t *testing.T) (server, client secure.Config) {
	t.Helper()
	cert, err := secure.SelfSigned("127.0.0.1")
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	return secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}},
		secure.Config{Client: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", NextProtos: []string{"http/1.1"}}}
}

// TLS may stand below the connections of both sides, inside a limit. Handlers see
// what the handshake came to.
func TestHTTPAboveTLS(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		server, client := certified(t)
		limit := factory.Limit{Total: 10}
		s := serve(t, r, echo, limit.Around, server.Wrap)
		protocols := make(chan string, 10)
		s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			state, ok := c.(protocol.TLSStater).TLSState()
			assert.True(t, ok)
			protocols <- state.NegotiatedProtocol
			return ctx
		}
		d := netconn.Dialer{Network: r, Wrap: client.Wrap}
		s.client.Transport = &http.Transport{DialContext: d.DialContext} // for the library it is no TLS
		body := bytes.Repeat([]byte("x"), 2<<20)
		for range 2 {
			require.Equal(t, sha256.Sum256(body), sha256.Sum256(s.post(t, body)))
		}
		assert.Equal(t, "http/1.1", wait(t, protocols))
		assert.Empty(t, protocols, "one connection")
	})
}

// A server that encrypts by itself speaks HTTP/2, and tells handlers of TLS.
func TestServeTLS(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		ours, theirs := certified(t)
		l := listen(t, r)
		server := &http.Server{
			TLSConfig: &tls.Config{Certificates: ours.Server.Certificates},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				fmt.Fprint(w, req.Proto, req.TLS != nil)
			}),
		}
		served := async(func() error { return server.ServeTLS(l, "", "") })
		d := netconn.Dialer{Network: r}
		transport := &http.Transport{
			DialContext: d.DialContext, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{RootCAs: theirs.Client.RootCAs},
		}
		answer, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String())
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, "HTTP/2.0true", string(body))
		transport.CloseIdleConnections()
		require.NoError(t, server.Close())
		assert.Equal(t, http.ErrServerClosed, wait(t, served))
	})
}

// Why a handshake failed is what Dial answers; nobody accepts such a connection.
func TestHandshakeFailsDial(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		server, client := certified(t)
		_, stranger := certified(t)
		l := listen(t, r, server.Wrap)
		_, err := netconn.Dialer{Network: r, Wrap: stranger.Wrap}.Dial("tcp", l.Addr().String())
		var unknown x509.UnknownAuthorityError
		require.ErrorAs(t, err, &unknown)
		requireOp(t, err, "dial", err)
		assert.Contains(t, err.Error(), l.Addr().String())

		ours, theirs := joined(t, netconn.Dialer{Network: r, Wrap: client.Wrap}, l)
		assert.Equal(t, ours.LocalAddr().String(), theirs.RemoteAddr().String(), "the first that was served")
	})
}

// A stream that is cut without close_notify is no end of file.
func TestTruncatedStreamIsNoEOF(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		server, client := certified(t)
		var below protocol.Transport
		cutting := func(f factory.Factory) factory.Factory {
			return factory.Func(func(peer net.Addr) protocol.Protocol {
				return &spy{f.BuildProtocol(peer), func(t protocol.Transport) { below = t }}
			})
		}
		l := listen(t, r, cutting, server.Wrap)
		ours, _ := joined(t, netconn.Dialer{Network: r, Wrap: client.Wrap}, l)
		on(t, r, func() { below.LoseConnection() })
		err := read(ours)()
		requireOp(t, err, "read", secure.ErrTruncated)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}
