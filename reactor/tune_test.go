//go:build linux

package reactor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/factory"
)

// A socket is tuned as Socket says; with no settings small packets leave at once
// and dead peers are found.
func TestTune(t *testing.T) {
	type option struct{ level, name int }
	noDelay, keepAlive := option{unix.IPPROTO_TCP, unix.TCP_NODELAY}, option{unix.SOL_SOCKET, unix.SO_KEEPALIVE}
	idle, interval := option{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE}, option{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL}
	in, out := option{unix.SOL_SOCKET, unix.SO_RCVBUF}, option{unix.SOL_SOCKET, unix.SO_SNDBUF}
	reuse, urgent := option{unix.SOL_SOCKET, unix.SO_REUSEPORT}, option{unix.SOL_SOCKET, unix.SO_OOBINLINE}
	for name, c := range map[string]struct {
		socket factory.Socket
		want   map[option]int
	}{
		"default": {factory.Socket{}, map[option]int{noDelay: 1, keepAlive: 1, idle: 15, interval: 15, reuse: 0, urgent: 0}},
		"none":    {factory.Socket{Delay: true, KeepAlive: -1}, map[option]int{noDelay: 0, keepAlive: 0}},
		"some": {
			factory.Socket{KeepAlive: 1500 * time.Millisecond, ReadBuffer: 10_000, WriteBuffer: 20_000, ReusePort: true, OOBInline: true},
			map[option]int{idle: 2, in: 20_000, out: 40_000, reuse: 1, urgent: 1}, // Linux doubles the buffers
		},
	} {
		t.Run(name, func(t *testing.T) {
			fd, err := openSocket(unix.AF_INET)
			require.NoError(t, err)
			defer unix.Close(fd)
			require.NoError(t, tune(fd, "tcp", c.socket, true))
			for o, want := range c.want {
				got, err := unix.GetsockoptInt(fd, o.level, o.name)
				assert.NoError(t, err)
				assert.Equal(t, want, got, "%v", o)
			}
		})
	}
}

// A live connection is tuned in the same way.
func TestTuneLive(t *testing.T) {
	k := &kernel{}
	fd, err := openSocket(unix.AF_INET)
	require.NoError(t, err)
	defer unix.Close(fd)
	is := func(want, level, name int) {
		t.Helper()
		got, err := unix.GetsockoptInt(fd, level, name)
		assert.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for want, on := range []bool{false, true} {
		require.NoError(t, k.SetNoDelay(fd, on))
		is(want, unix.IPPROTO_TCP, unix.TCP_NODELAY)
		require.NoError(t, k.SetOOBInline(fd, on))
		is(want, unix.SOL_SOCKET, unix.SO_OOBINLINE)
	}
	for idle, seconds := range map[time.Duration]int{1: 1, 0: 15, 61 * time.Second: 61} {
		require.NoError(t, k.SetKeepAlive(fd, idle))
		is(1, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		is(seconds, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
		is(seconds, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL)
	}
	require.NoError(t, k.SetKeepAlive(fd, -1))
	is(0, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
	assert.ErrorIs(t, k.SetNoDelay(-1, true), unix.EBADF)
}
