package reactor_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// A letterbox is a DatagramProtocol whose events a test gives it.
type letterbox struct {
	protocol.DatagramBase
	data func(l *letterbox, data []byte, from netip.AddrPort)
}

func (l *letterbox) DatagramReceived(data []byte, from netip.AddrPort) {
	if l.data != nil {
		l.data(l, data, from)
	}
}

func echoing() *letterbox {
	return &letterbox{data: func(l *letterbox, data []byte, from netip.AddrPort) { l.WriteTo(data, from) }}
}

// talk is an ordinary program's socket.
func talk(t testing.TB, network string, to net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial(network, to.String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patient)))
	return c
}

// A datagram that is received and answered allocates nothing.
func TestDatagramEchoAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := start(t, reactor.Config{})
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		p, err := r.ListenDatagram("udp", addr, echoing())
		require.NoError(t, err)
		to := p.Addr().(*net.UDPAddr)
		if to.IP.IsUnspecified() {
			to = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to.Port}
		}
		c := talk(t, "udp", to)
		buf := make([]byte, 64)
		assert.Zero(t, testing.AllocsPerRun(1000, func() {
			_, _ = c.Write(buf)
			_, _ = c.Read(buf)
		}), addr)
	}
	assert.GreaterOrEqual(t, r.Stats().BytesWritten, int64(3*64*1000))
	assert.Equal(t, 3, r.Stats().Ports)
}

// A reactor without datagram ports has no memory for them.
func TestNoDatagramsNoMemory(t *testing.T) {
	before := hosttest.Heap()
	r, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	assert.Less(t, hosttest.Heap()-before, 512<<10) // the buffers that it reads and writes with; those of datagrams are 2 MiB
	runtime.KeepAlive(r)
	r.Stop()
	require.NoError(t, r.Run(t.Context()))
}

// The zone of a link-local address is kept, and an answer finds its way.
func TestScopeIsKept(t *testing.T) {
	local := linkLocal(t)
	r := start(t, reactor.Config{})
	heard := make(chan netip.AddrPort, 1)
	p, err := r.ListenDatagram("udp6", net.JoinHostPort(local.String(), "0"), &letterbox{
		data: func(l *letterbox, data []byte, from netip.AddrPort) { heard <- from; l.WriteTo(data, from) },
	})
	require.NoError(t, err)
	c := talk(t, "udp6", p.Addr())
	_, err = c.Write([]byte("x"))
	require.NoError(t, err)
	assert.Equal(t, c.LocalAddr().(*net.UDPAddr).AddrPort(), wait(t, heard))
	_, err = c.Read(make([]byte, 1))
	assert.NoError(t, err)
	heardBack := make(chan string, 1)
	client := &letterbox{data: func(_ *letterbox, _ []byte, from netip.AddrPort) { heardBack <- from.String() }}
	_, err = r.ConnectDatagram("udp6", p.Addr().String(), client)
	require.NoError(t, err)
	on(t, r, func() error {
		_, err := client.WriteTo([]byte("x"), p.Addr().(*net.UDPAddr).AddrPort()) // its peer
		return err
	})
	wait(t, heard)
	assert.Equal(t, p.Addr().String(), wait(t, heardBack))
}

// linkLocal is an address with a zone of this machine, if there is one.
func linkLocal(t *testing.T) netip.Addr {
	all, err := net.Interfaces()
	require.NoError(t, err)
	for _, i := range all {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
				return p.Addr().WithZone(i.Name)
			}
		}
	}
	t.Skip("no link-local address here")
	return netip.Addr{}
}

// The zone of a group may be a name or a number, as that of a peer.
func TestZoneOfAGroup(t *testing.T) {
	i, err := net.InterfaceByName(linkLocal(t).Zone())
	require.NoError(t, err)
	r := start(t, reactor.Config{})
	p := &letterbox{}
	_, err = r.ListenDatagram("udp6", "[::]:0", p)
	require.NoError(t, err)
	group := netip.MustParseAddr("ff02::4:7")
	for _, zone := range []string{i.Name, strconv.Itoa(i.Index)} {
		on(t, r, func() error {
			m, _ := protocol.As[protocol.MulticastTransport](p.DatagramTransport)
			assert.NoError(t, m.JoinGroup(group.WithZone(zone), ""))
			assert.NoError(t, m.LeaveGroup(group, i.Name))
			assert.Error(t, m.JoinGroup(group.WithZone("no such interface"), ""))
			return nil
		})
	}
}

// A Unix port has the permissions asked for, replaces a stale file, and removes its
// own in the end; abstract names work too.
func TestUnixDatagramFiles(t *testing.T) {
	r := start(t, reactor.Config{})
	path := filepath.Join(t.TempDir(), "s")
	stale, err := net.ListenPacket("unixgram", path)
	require.NoError(t, err)
	stale.Close() // the file stays
	n := r.Tuned(factory.Socket{UnixMode: 0o600}).(factory.DatagramNetwork)
	p, err := n.ListenDatagram("unixgram", path, echoing())
	require.NoError(t, err)
	file, err := os.Lstat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), file.Mode().Perm())
	_, err = n.ListenDatagram("unixgram", path, echoing())
	assert.Error(t, err, "it is in use")
	require.NoError(t, p.Close())
	_, err = os.Lstat(path)
	assert.ErrorIs(t, err, os.ErrNotExist)

	own := filepath.Join(t.TempDir(), "own")
	_, err = r.Tuned(factory.Socket{LocalPath: own}).(factory.DatagramNetwork).ConnectDatagram("unixgram", path, echoing())
	assert.Error(t, err, "nobody is there")
	_, err = os.Lstat(own)
	assert.ErrorIs(t, err, os.ErrNotExist, "a client that failed leaves no file")
	if runtime.GOOS == "linux" {
		p, err := r.ListenDatagram("unixgram", fmt.Sprintf("@torsion-%d", os.Getpid()), echoing())
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(p.Addr().String(), "@torsion-"))
	}
}

// A UDP client that cannot be connected leaves the file alone that another one, of
// Unix datagrams and by the same network, has at LocalPath.
func TestFailedClientOfUDPRemovesNoFile(t *testing.T) {
	r := start(t, reactor.Config{})
	dir := t.TempDir()
	_, err := r.ListenDatagram("unixgram", filepath.Join(dir, "peer"), echoing())
	require.NoError(t, err)
	own := filepath.Join(dir, "own")
	n := r.Tuned(factory.Socket{LocalPath: own}).(factory.DatagramNetwork)
	_, err = n.ConnectDatagram("unixgram", filepath.Join(dir, "peer"), echoing())
	require.NoError(t, err)
	_, err = n.ConnectDatagram("udp4", "255.255.255.255:7", echoing())
	if runtime.GOOS == "linux" { // the others do not ask before something is sent
		var call *os.SyscallError
		require.ErrorAs(t, err, &call, "broadcasts are not allowed")
		require.Equal(t, "connect", call.Syscall)
	}
	_, err = os.Lstat(own)
	assert.NoError(t, err)
}

// Names are looked up, LocalAddr is where a client sends from, and its answer finds it.
func TestConnectDatagramByName(t *testing.T) {
	r := start(t, reactor.Config{})
	server, err := r.ListenDatagram("udp4", "127.0.0.1:0", echoing())
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(server.Addr().String())
	require.NoError(t, err)
	heard := make(chan string, 1)
	client := &letterbox{data: func(_ *letterbox, data []byte, from netip.AddrPort) { heard <- from.String() + string(data) }}
	s := factory.Socket{LocalAddr: netip.MustParseAddrPort("127.0.0.1:0"), ReadBuffer: 64 << 10, WriteBuffer: 64 << 10}
	p, err := r.Tuned(s).(factory.DatagramNetwork).ConnectDatagram("udp4", "localhost:"+port, client)
	require.NoError(t, err)
	on(t, r, func() int { n, _ := client.Write([]byte("Hey!")); return n })
	assert.Equal(t, server.Addr().String()+"Hey!", wait(t, heard))
	assert.Contains(t, p.Addr().String(), "127.0.0.1:")
	_, err = r.ConnectDatagram("udp4", "no.such.name.invalid:7", &letterbox{})
	assert.Error(t, err)
}

// Two ports that share an address have it both.
func TestDatagramsReusePort(t *testing.T) {
	n := start(t, reactor.Config{}).Tuned(factory.Socket{ReusePort: true}).(factory.DatagramNetwork)
	one, err := n.ListenDatagram("udp4", "127.0.0.1:0", echoing())
	require.NoError(t, err)
	_, err = n.ListenDatagram("udp4", one.Addr().String(), echoing())
	assert.NoError(t, err)
}
