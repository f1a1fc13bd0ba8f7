package main_test

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(netProxy); kind != "" {
		serveWithNet(kind, os.Args[4], os.Args[6]) // the values of -listen and -connect
	}
	programtest.Main(m)
}

// A proxy is the program, running, and the listener that it connects to.
type proxy struct {
	*programtest.Program
	to net.Listener
}

// start runs the program on a free port before a listener.
func start(t testing.TB, args ...string) *proxy {
	t.Helper()
	return startProgram(t, programtest.Path, args...)
}

// startProgram does so with a program like ours.
func startProgram(t testing.TB, program string, args ...string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return &proxy{run(t, program, l.Addr().String(), args...), l}
}

// run runs a program on a free port before to.
func run(t testing.TB, program, to string, args ...string) *programtest.Program {
	t.Helper()
	p := programtest.Start(t, exec.Command(program, append([]string{"-reactors", "2", "-listen", "127.0.0.1:0", "-connect", to}, args...)...))
	p.Addr = p.Behind(t, "listening on ")
	return p
}

// dial connects to a proxy.
func dial(t testing.TB, p *programtest.Program) *net.TCPConn {
	t.Helper()
	return p.Dial(t).Conn.(*net.TCPConn)
}

// accept takes the next connection that the proxy makes.
func (p *proxy) accept(t testing.TB) *net.TCPConn {
	t.Helper()
	require.NoError(t, p.to.(*net.TCPListener).SetDeadline(time.Now().Add(programtest.Patience)))
	c, err := p.to.Accept()
	require.NoError(t, err)
	return programtest.Own(t, c).Conn.(*net.TCPConn)
}

// pair connects a client through.
func (p *proxy) pair(t testing.TB) (client, server *net.TCPConn) {
	t.Helper()
	client = dial(t, p.Program)
	return client, p.accept(t)
}

// says has from say s, and requires that to hears it.
func says(t *testing.T, from io.Writer, s string, to io.Reader) {
	t.Helper()
	_, err := io.WriteString(from, s)
	require.NoError(t, err)
	got := make([]byte, len(s))
	_, err = io.ReadFull(to, got)
	require.NoError(t, err)
	require.Equal(t, s, string(got))
}

// noise is a stream of bytes that are no others' and in no other order.
func noise(seed uint64, n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{byte(seed)}), n)
}

// slow reads little at a time, so that everybody before it has to wait.
type slow struct{ io.Reader }

func (s slow) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), 4<<10)]) }

// same requires that two streams are the same to their ends.
func same(t *testing.T, want, got io.Reader) {
	a, b := bufio.NewReaderSize(want, 64<<10), bufio.NewReaderSize(slow{got}, 64<<10)
	var x, y [32 << 10]byte
	for at := 0; ; {
		n, _ := io.ReadFull(a, x[:])
		m, err := io.ReadFull(b, y[:])
		if !assert.True(t, bytes.Equal(x[:n], y[:m]), "after %d bytes: %v", at, err) || n < len(x) {
			return
		}
		at += n
	}
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// memory is how many bytes the program has had at the most.
func (p *proxy) memory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.Process.Pid) + "/status")
	if os.IsNotExist(err) {
		t.Skip("no /proc here")
	}
	require.NoError(t, err)
	kb, err := strconv.Atoi(string(peak.FindSubmatch(status)[1]))
	require.NoError(t, err)
	return kb << 10
}

// 32 MiB each way at once, between ends that read slowly, arrive as they were sent,
// cost next to no memory, and each way ends by itself.
func TestBothWaysAtOnce(t *testing.T) {
	const size = 32 << 20
	p := start(t)
	client, server := p.pair(t)
	before := p.memory(t)
	var all sync.WaitGroup
	for seed, ends := range [][2]*net.TCPConn{{client, server}, {server, client}} {
		all.Go(func() {
			n, err := io.Copy(ends[0], noise(uint64(seed), size))
			assert.NoError(t, err)
			assert.Equal(t, int64(size), n)
			assert.NoError(t, ends[0].CloseWrite())
		})
		all.Go(func() { same(t, noise(uint64(seed), size), ends[1]) })
	}
	all.Wait()
	assert.Less(t, p.memory(t)-before, 8<<20)
	p.Stop(t, syscall.SIGTERM)
}

// The end of either stream goes through and leaves the way back open.
func TestHalfClose(t *testing.T) {
	p := start(t)
	for first := range 2 {
		a, b := p.pair(t)
		if first == 1 {
			a, b = b, a
		}
		_, err := io.WriteString(a, "question")
		require.NoError(t, err)
		require.NoError(t, a.CloseWrite())
		heard, err := io.ReadAll(b)
		require.NoError(t, err)
		assert.Equal(t, "question", string(heard))
		_, err = io.WriteString(b, "answer")
		require.NoError(t, err)
		require.NoError(t, b.Close())
		heard, err = io.ReadAll(a)
		require.NoError(t, err)
		assert.Equal(t, "answer", string(heard))
	}
	p.Stop(t, syscall.SIGTERM)
}

// Whoever breaks his connection breaks the other's.
func TestReset(t *testing.T) {
	p := start(t)
	for first := range 2 {
		a, b := p.pair(t)
		if first == 1 {
			a, b = b, a
		}
		says(t, a, "x", b)
		require.NoError(t, a.SetLinger(0))
		require.NoError(t, a.Close())
		_, err := b.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
	}
	p.Stop(t, syscall.SIGTERM)
}

// A client is told by a reset that nobody is there, at once, and the log says why.
func TestNobodyThere(t *testing.T) {
	p := start(t)
	require.NoError(t, p.to.Close())
	c, err := net.DialTimeout("tcp", p.Addr, programtest.Patience)
	if err == nil { // else the reset was faster than Dial
		_, err = programtest.Own(t, c).Read(make([]byte, 1))
	}
	assert.ErrorIs(t, err, syscall.ECONNRESET)
	p.Stop(t, syscall.SIGTERM)
	assert.Contains(t, p.Err.String(), "dial tcp "+p.to.Addr().String()+": connect: connection refused")
}

// Through two proxies, each of which says to the next by the PROXY protocol who the
// client is, the server still learns it.
func TestProxyProtocol(t *testing.T) {
	inner := start(t, "-trust", "127.0.0.0/8", "-proxy-protocol", "v1")
	outer := run(t, programtest.Path, inner.Addr, "-proxy-protocol", "v2")
	client := dial(t, outer)
	_, err := io.WriteString(client, "first words")
	require.NoError(t, err)
	server := inner.accept(t)
	host, port, _ := net.SplitHostPort(client.LocalAddr().String())
	toHost, toPort, _ := net.SplitHostPort(outer.Addr)
	want := "PROXY TCP4 " + strings.Join([]string{host, toHost, port, toPort}, " ") + "\r\nfirst words"
	got := make([]byte, len(want))
	_, err = io.ReadFull(server, got)
	require.NoError(t, err)
	assert.Equal(t, want, string(got))

	plain := dial(t, inner.Program) // a proxy that says nothing is not served
	_, err = io.WriteString(plain, "first words")
	require.NoError(t, err)
	_, err = plain.Read(make([]byte, 1))
	assert.ErrorIs(t, err, syscall.ECONNRESET)
	client.Close()
	server.Close()
	outer.Stop(t, syscall.SIGTERM)
	inner.Stop(t, syscall.SIGTERM)
}

// Above the limit nobody is served.
func TestLimit(t *testing.T) {
	p := start(t, "-limit", "1")
	client, server := p.pair(t)
	says(t, client, "x", server)
	one := dial(t, p.Program)
	_, err := one.Read(make([]byte, 1))
	assert.Error(t, err)
	client.Close()
	server.Close()
	p.Stop(t, syscall.SIGTERM)
}

// Silence ends a client.
func TestIdle(t *testing.T) {
	p := start(t, "-idle", "1ms")
	client, server := p.pair(t)
	for _, c := range []net.Conn{client, server} {
		_, err := c.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		c.Close()
	}
	p.Stop(t, syscall.SIGTERM)
}

// After a signal those who are connected through are served to their end.
func TestShutdownDrains(t *testing.T) {
	p := start(t)
	client, server := p.pair(t)
	says(t, client, "x", server)
	require.NoError(t, p.to.Close()) // whoever comes now is not connected through
	p.Signal(t, syscall.SIGTERM)
	for refused := false; !refused; {
		c, err := net.Dial("tcp", p.Addr)
		if refused = err != nil; !refused {
			c.Close()
		}
	}
	says(t, client, "one more thing", server)
	says(t, server, "the answer", client)
	client.Close()
	server.Close()
	p.Ends(t)
}

// What is no setting is refused.
func TestFlags(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-connect", "127.0.0.1:1", "more"},
		{"-connect", "127.0.0.1:1", "-proxy-protocol", "v3"},
		{"-connect", "127.0.0.1:1", "-trust", "somebody"},
	} {
		assert.Error(t, programtest.Command(args...).Run(), args)
	}
}
