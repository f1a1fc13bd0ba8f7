package netconn_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/reactortest"
)

// A server is net/http's on a reactor, and a client of the same.
type server struct {
	http.Server
	url    string
	client http.Client
	served <-chan error
	conns  atomic.Int32 // accepted so far
}

// serve serves HTTP behind policies.
func serve(t *testing.T, r reactortest.Reactor, h http.HandlerFunc,
	wraps ...func(factory.Factory) factory.Factory) *server {
	t.Helper()
	l := listen(t, r, wraps...)
	s := &server{url: "http://" + l.Addr().String()}
	s.Handler = h
	s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		s.conns.Add(1)
		return ctx
	}
	s.served = async(func() error { return s.Serve(l) })
	s.client.Transport = &http.Transport{DialContext: netconn.Dialer{Network: r}.DialContext}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		_ = s.Close()
	})
	return s
}

// post sends a body and returns the answer's.
func (s *server) post(t *testing.T, body []byte) []byte {
	t.Helper()
	answer, err := s.client.Post(s.url, "application/octet-stream", bytes.NewReader(body))
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	got, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return got
}

func echo(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

// HTTP runs on a reactor at both ends: many requests come over one connection, large
// bodies go both ways, the limit holds, and Shutdown ends all of it.
func TestHTTP(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		limit := factory.Limit{Total: 1}
		s := serve(t, r, echo, limit.Around)
		for _, size := range []int{0, 1, 1000, 8 << 20, 1000} {
			body := bytes.Repeat([]byte{byte(size >> 3)}, size)
			got := s.post(t, body)
			require.Equal(t, sha256.Sum256(body), sha256.Sum256(got))
		}
		assert.EqualValues(t, 1, s.conns.Load())
		_, err := io.ReadAll(dial(t, r, address(s)))
		require.NoError(t, err, "closed at once: that is the limit")

		s.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(t.Context(), patient)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		assert.ErrorIs(t, wait(t, s.served), http.ErrServerClosed)
		_, err = s.client.Get(s.url)
		assert.Error(t, err)
	})
}

// address is where s listens.
func address(s *server) net.Addr {
	a, err := net.ResolveTCPAddr("tcp", s.url[len("http://"):])
	if err != nil {
		panic(err)
	}
	return a
}

// A client that has waited long enough gives up, and the handler hears of it. An
// hour passes in no time.
func TestHTTPTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		left := make(chan time.Duration, 1)
		s := serve(t, m, func(_ http.ResponseWriter, req *http.Request) {
			began := time.Now()
			<-req.Context().Done()
			left <- time.Since(began)
		})
		s.client.Timeout = time.Hour
		began := time.Now()
		_, err := s.client.Get(s.url)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Hour, time.Since(began))
		assert.Equal(t, time.Hour, wait(t, left))
	})
}

// crypto/tls and HTTP/2 run over a connection like over any other.
func TestHTTPOverTLS(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
		require.NoError(t, s.Listener.Close())
		s.Listener, s.EnableHTTP2 = listen(t, r), true
		s.StartTLS()
		defer s.Close()
		client := s.Client()
		client.Transport.(*http.Transport).DialContext = netconn.Dialer{Network: r}.DialContext
		body := bytes.Repeat([]byte("x"), 2<<20)
		answer, err := client.Post("https://"+s.Listener.Addr().String(), "", bytes.NewReader(body))
		require.NoError(t, err)
		defer answer.Body.Close()
		assert.Equal(t, 2, answer.ProtoMajor)
		got, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		assert.Equal(t, sha256.Sum256(body), sha256.Sum256(got))
	})
}

// A client of the standard library speaks with a protocol.
func TestTextproto(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		port, err := r.Listen("tcp", "127.0.0.1:0", factory.Each(func() protocol.Protocol { return line.New(&numbered{}) }))
		require.NoError(t, err)
		c := textproto.NewConn(dial(t, r, port.Addr()))
		for range 10 {
			id, err := c.Cmd("NOOP")
			require.NoError(t, err)
			c.StartResponse(id)
			_, text, err := c.ReadResponse(250)
			c.EndResponse(id)
			require.NoError(t, err)
			assert.Equal(t, "two\nlines of NOOP", text)
		}
		require.NoError(t, c.PrintfLine("QUIT"))
		_, err = c.ReadLine()
		assert.Equal(t, io.EOF, err)
	})
}

// numbered answers as SMTP and FTP do.
type numbered struct{ line.Base }

func (n *numbered) LineReceived(l []byte) {
	if string(l) == "QUIT" {
		n.LoseConnection()
		return
	}
	n.SendLine("250-two")
	n.SendLine("250 lines of " + string(l))
}
