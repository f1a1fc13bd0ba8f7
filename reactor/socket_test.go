package reactor_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// A Unix socket's file has the permissions that were asked for from its first
// moment, replaces one that nobody listens on, and goes with the port.
func TestUnixSocketFile(t *testing.T) {
	r := start(t, reactor.Config{})
	path := filepath.Join(t.TempDir(), "s")
	private := r.Tuned(factory.Socket{UnixMode: 0o600})
	p, err := private.Listen("unix", path, serving(probe{data: echo}))
	require.NoError(t, err)
	file, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), file.Mode().Perm())
	c, err := net.Dial("unix", path)
	require.NoError(t, err)
	assert.True(t, echoes(c, patient))
	c.Close()

	_, err = r.Listen("unix", path, serving(probe{}))
	assert.ErrorIs(t, err, syscall.EADDRINUSE, "somebody listens there")
	assert.ErrorContains(t, err, path)
	require.NoError(t, p.Close())
	_, err = os.Stat(path)
	assert.ErrorIs(t, err, os.ErrNotExist)

	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	require.NoError(t, err)
	stale.SetUnlinkOnClose(false)
	stale.Close()
	p, err = r.Listen("unix", path, serving(probe{}))
	require.NoError(t, err, "nobody listens there")
	require.NoError(t, os.Remove(path))
	other, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, p.Close())
	_, err = os.Stat(path)
	assert.NoError(t, err, "this file is somebody else's")

	require.NoError(t, os.WriteFile(path+"2", nil, 0o600))
	_, err = r.Listen("unix", path+"2", serving(probe{}))
	assert.ErrorIs(t, err, syscall.EADDRINUSE, "no socket is never replaced")
}

// Abstract names have no file.
func TestAbstractUnixSocket(t *testing.T) {
	if _, err := os.Stat("/proc/net/unix"); err != nil {
		t.Skip("only Linux has them")
	}
	r := start(t, reactor.Config{})
	name := "@torsion-" + filepath.Base(t.TempDir()) + time.Now().String()
	p, err := r.Listen("unix", name, serving(probe{data: echo}))
	require.NoError(t, err)
	assert.Equal(t, name, p.Addr().String())
	got := make(chan string, 1)
	r.Connect("unix", name, serving(probe{
		made: func(tr protocol.Transport) {
			assert.Equal(t, name, tr.RemoteAddr().String())
			tr.Write([]byte("hello"))
		},
		data: func(_ protocol.Transport, data []byte) { got <- string(data) },
	}))
	assert.Equal(t, "hello", wait(t, got))
}

// What is wrong with an address or a connection is one typed error, with the address.
func TestErrorsSayWhatAndWhere(t *testing.T) {
	r := start(t, reactor.Config{})
	p := listen(t, r, serving(probe{}))
	_, err := r.Listen("tcp", p.Addr().String(), serving(probe{}))
	assert.ErrorIs(t, err, syscall.EADDRINUSE)
	assert.ErrorContains(t, err, p.Addr().String())
	_, err = r.Listen("tcp", "nonsense", serving(probe{}))
	var op *net.OpError
	assert.ErrorAs(t, err, &op)
	assert.ErrorContains(t, err, "nonsense")
	_, err = r.Listen("udp", "127.0.0.1:0", serving(probe{}))
	assert.ErrorAs(t, err, new(net.UnknownNetworkError))
	_, err = r.Listen("unix", "/nonexistent/socket", serving(probe{}))
	assert.ErrorIs(t, err, syscall.ENOENT)

	require.NoError(t, p.Close())
	err = connectError(t, r, factory.Socket{}, "tcp", p.Addr().String())
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	assert.ErrorContains(t, err, p.Addr().String())
	err = connectError(t, r, factory.Socket{}, "tcp", "host.invalid:80")
	assert.ErrorAs(t, err, new(*net.DNSError))
	assert.ErrorContains(t, err, "host.invalid")
	err = connectError(t, r, factory.Socket{}, "tcp", "127.0.0.1:http-ish")
	assert.ErrorAs(t, err, &op)
	err = connectError(t, r, factory.Socket{LocalAddr: netip.MustParseAddrPort("192.0.2.1:0")}, "tcp", "127.0.0.1:1")
	assert.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
}

// A peer that does not answer is given up at the timeout, which is a timeout to
// everybody who asks.
func TestConnectTimesOut(t *testing.T) {
	full, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	defer unix.Close(full)
	require.NoError(t, unix.Bind(full, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(full, 0))
	sa, err := unix.Getsockname(full)
	require.NoError(t, err)
	addr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*unix.SockaddrInet4).Port)).String()
	for range 2 { // so many wait there without being accepted
		c, err := net.DialTimeout("tcp", addr, 50*time.Millisecond)
		if err == nil {
			defer c.Close()
		}
	}
	r := start(t, reactor.Config{})
	err = connectError(t, r, factory.Socket{Timeout: 50 * time.Millisecond}, "tcp", addr)
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var timeout net.Error
	assert.True(t, errors.As(err, &timeout) && timeout.Timeout())
	assert.ErrorContains(t, err, addr)
}

// connectError connects in vain.
func connectError(t *testing.T, r *reactor.Reactor, s factory.Socket, network, addr string) error {
	t.Helper()
	f := &failing{failed: make(chan error, 1)}
	r.Tuned(s).Connect(network, addr, f)
	return wait(t, f.failed)
}

type failing struct{ failed chan error }

func (f *failing) BuildProtocol(net.Addr) protocol.Protocol       { return nil }
func (f *failing) Connecting(factory.Connector)                   {}
func (f *failing) ConnectFailed(_ factory.Connector, err error)   { f.failed <- err }
func (f *failing) Disconnected(_ factory.Connector, reason error) {}

// IPv6, dual stack and names work as in package net.
func TestAddresses(t *testing.T) {
	r := start(t, reactor.Config{})
	for _, c := range []struct{ network, listen, connect string }{
		{"tcp", "[::1]:0", "[::1]:"},
		{"tcp6", "[::1]:0", "[::1]:"},
		{"tcp4", "127.0.0.1:0", "127.0.0.1:"},
		{"tcp", ":0", "127.0.0.1:"},
		{"tcp", ":0", "[::1]:"},
		{"tcp", "127.0.0.1:0", "localhost:"},
		{"tcp6", "[::1%lo]:0", "[::1%lo]:"},
	} {
		p, err := r.Listen(c.network, c.listen, serving(probe{data: echo}))
		require.NoError(t, err, c.listen)
		_, port, _ := net.SplitHostPort(p.Addr().String())
		got, local := make(chan string, 1), make(chan net.Addr, 2)
		r.Connect(c.network, c.connect+port, serving(probe{
			made: func(tr protocol.Transport) {
				local <- tr.LocalAddr()
				local <- tr.RemoteAddr()
				tr.Write([]byte("hello"))
			},
			data: func(tr protocol.Transport, data []byte) {
				got <- string(data)
				tr.LoseConnection()
			},
		}))
		assert.Equal(t, "hello", wait(t, got), c.connect)
		assert.IsType(t, (*net.TCPAddr)(nil), wait(t, local))
		assert.True(t, strings.HasSuffix(wait(t, local).String(), ":"+port))
	}
}

// Options are set on accepted sockets as on clients': no delay and keep-alive by
// default.
func TestSocketOptions(t *testing.T) {
	r := start(t, reactor.Config{})
	p, err := r.Tuned(factory.Socket{Delay: true, KeepAlive: -1, ReusePort: true, ReadBuffer: 32 << 10, Backlog: 3}).
		Listen("tcp", "127.0.0.1:0", serving(probe{}))
	require.NoError(t, err)
	again, err := r.Tuned(factory.Socket{ReusePort: true}).Listen("tcp", p.Addr().String(), serving(probe{}))
	require.NoError(t, err, "the address is shared")
	require.NoError(t, again.Close())
}

// An adopted connection's head comes first, the net.Conn is closed, and the
// connection lives on.
func TestAdopt(t *testing.T) {
	r := start(t, reactor.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c := dial(t, l.Addr())
	_, err = c.Write([]byte("and body"))
	require.NoError(t, err)
	s, err := l.Accept()
	require.NoError(t, err)
	var heard strings.Builder
	all := make(chan string, 1)
	require.NoError(t, r.Adopt(s, serving(probe{
		made: func(tr protocol.Transport) {
			tr.PauseReading()
			tr.AfterFunc(time.Millisecond, tr.ResumeReading)
		},
		data: func(tr protocol.Transport, data []byte) {
			heard.Write(data)
			if heard.Len() == len("head and body") {
				all <- heard.String()
			}
			tr.Write(data)
		},
	}), []byte("head ")...))
	_, err = s.Write([]byte("x"))
	assert.ErrorIs(t, err, net.ErrClosed)
	assert.Equal(t, "head and body", wait(t, all))
	buf := make([]byte, len("head and body"))
	_, err = io.ReadFull(c, buf)
	assert.NoError(t, err)

	a, b := net.Pipe()
	defer b.Close()
	assert.ErrorIs(t, r.Adopt(a, serving(probe{})), reactor.ErrNoDescriptor)
	assert.NoError(t, a.SetDeadline(time.Now()), "it is still the caller's")
	a.Close()
}

// A listener made by others is served, and closing the port takes nothing from
// those who share its socket.
func TestAdoptedListener(t *testing.T) {
	r := start(t, reactor.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	file, err := l.(*net.TCPListener).File()
	require.NoError(t, err)
	p, err := r.Listener(l, serving(probe{data: echo}))
	require.NoError(t, err)
	assert.True(t, echoes(dial(t, p.Addr()), patient))
	require.NoError(t, p.Close())
	other, err := net.FileListener(file)
	require.NoError(t, err)
	file.Close()
	defer other.Close()
	c := dial(t, p.Addr())
	s, err := other.Accept()
	require.NoError(t, err)
	go io.Copy(s, s)
	assert.True(t, echoes(c, patient))
}
