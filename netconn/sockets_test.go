//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package netconn_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/reactor"
	"github.com/torsion-go/torsion/reactortest"
)

func init() {
	worlds["sockets"] = func(t testing.TB) reactortest.Reactor { return sockets(t) }
}

// sockets runs a reactor over real sockets until the test ends.
func sockets(t testing.TB) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	run(t, r)
	return r
}

// A request under way is answered if BeforeShutdown waits for Shutdown, which waits
// for it.
func TestStopAfterHTTPShutdown(t *testing.T) {
	r := sockets(t)
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := serve(t, r, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		_, _ = w.Write(large)
	})
	s.client.Transport = &http.Transport{} // of another world: this one ends
	r.BeforeShutdown(func(done func()) {
		go func() {
			defer done()
			assert.NoError(t, s.Shutdown(context.Background()))
		}()
	})
	answer := async(func() int64 {
		answer, err := s.client.Get(s.url)
		if !assert.NoError(t, err) {
			return 0
		}
		defer answer.Body.Close()
		n, err := io.Copy(io.Discard, answer.Body)
		assert.NoError(t, err)
		return n
	})
	wait(t, begun)
	r.Stop()
	assert.ErrorIs(t, wait(t, s.served), http.ErrServerClosed)
	close(goOn)
	assert.EqualValues(t, len(large), wait(t, answer))
}

// A thousand connections, opened and closed, leave nothing: no descriptor, no
// goroutine, no timer, no connector.
func TestConnectionsLeaveNothing(t *testing.T) {
	r := sockets(t)
	s := serve(t, r, echo)
	transport := s.client.Transport.(*http.Transport)
	transport.DisableKeepAlives = true
	hosttest.LeavesNothing(t, 100, 1000, func() {
		require.Equal(t, "hello", string(s.post(t, []byte("hello"))))
		for r.Stats().Connections > 0 {
			runtime.Gosched() // the last are on their way
		}
	})
	assert.Zero(t, r.Stats().Timers)
}
