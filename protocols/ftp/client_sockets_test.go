//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ftp_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/reactor"
)

// onSockets plays over a reactor on real sockets.
func onSockets(t *testing.T) (*play, *reactor.Reactor) {
	t.Helper()
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return over(t, r), r
}

// All of it works over real sockets.
func TestClientOverSockets(t *testing.T) {
	for _, security := range []ftp.Security{ftp.TLSNever, ftp.TLSRequired, ftp.TLSImplicit} {
		p, _ := onSockets(t)
		p.config.Security = security
		c, ctx := p.config.New(), context.Background()
		data := bytes.Repeat(large, 8)
		_, err := c.PutContext(ctx, "/a", bytes.NewReader(data), 0)
		require.NoError(t, err)
		_, err = c.PutContext(ctx, "/empty", bytes.NewReader(nil), 0)
		require.NoError(t, err)
		var b bytes.Buffer
		_, err = c.GetContext(ctx, "/a", &b, 0)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, b.Bytes()))
		l, err := c.ListContext(ctx, "/")
		require.NoError(t, err)
		assert.Len(t, l.Entries, 2)
		require.NoError(t, c.QuitContext(ctx))
	}
}

// Clients leave nothing, however their transfers end: no descriptor, no goroutine, no
// timer.
func TestClientsLeaveNothing(t *testing.T) {
	p, r := onSockets(t)
	p.files["/a"] = file(string(large))
	round := func(security ftp.Security, whole bool) {
		p.config.Security = security
		c, ctx := p.config.New(), context.Background()
		_, err := c.GetContext(ctx, "/a", io.Discard, 0)
		require.NoError(t, err)
		_, err = c.GetContext(ctx, "/a", &full{10}, 0)
		require.Error(t, err)
		_, err = c.GetContext(ctx, "/none", io.Discard, 0)
		requireRefused(t, err, "RETR", 550)
		_, err = c.PutContext(ctx, "/b", &slowly{cancel: func() {}}, 0)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(ctx)
		_, err = c.PutContext(ctx, "/b", &slowly{cancel: cancel}, 0)
		require.ErrorIs(t, err, context.Canceled)
		if whole {
			require.NoError(t, c.QuitContext(context.Background()))
		}
		require.NoError(t, c.Close())
		for r.Stats().Connections > 0 {
			runtime.Gosched() // the last are on their way
		}
	}
	hosttest.LeavesNothing(t, 2, 10, func() {
		for _, security := range []ftp.Security{ftp.TLSNever, ftp.TLSRequired, ftp.TLSImplicit} {
			round(security, true)
			round(security, false)
		}
	})
	assert.Zero(t, r.Stats().Timers)
}

// A slowly is a Reader that is cancelled when it has said something.
type slowly struct {
	cancel func()
	n      int
}

func (s *slowly) Read(p []byte) (int, error) {
	if s.n++; s.n > 3 {
		s.cancel()
		return 0, io.EOF
	}
	return copy(p, "hello"), nil
}

// The data comes from where the server is, also if that has a zone.
func TestClientOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	l.Close()
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	p := overAddr(t, r, "[::1]:0")
	p.files["/a"] = file("0123")
	c := p.config.New()
	defer c.Close()
	_, err = c.GetContext(context.Background(), "/a", io.Discard, 0)
	require.NoError(t, err)
}
