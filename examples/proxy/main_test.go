package main_test

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const deadline = 60 * time.Second // for anything: a busy machine is slow

var program string // what TestMain built

func TestMain(m *testing.M) {
	if kind := os.Getenv(netProxy); kind != "" {
		serveWithNet(kind, os.Args[2], os.Args[4]) // the values of -listen and -connect
	}
	dir, err := os.MkdirTemp("", "proxy")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "proxy")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A proxy is the program, running, and the listener that it connects to.
type proxy struct {
	*exec.Cmd
	addr string
	log  *bytes.Buffer // complete when it has ended
	net.Listener
}

// start runs the program on a free port before a listener.
func start(t testing.TB, args ...string) *proxy {
	t.Helper()
	return startProgram(t, program, args...)
}

// startProgram does so with a program like ours.
func startProgram(t testing.TB, program string, args ...string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	p := run(t, program, l.Addr().String(), args...)
	p.Listener = l
	return p
}

// run runs a program on a free port before to.
func run(t testing.TB, program, to string, args ...string) *proxy {
	t.Helper()
	cmd := exec.Command(program, append([]string{"-reactors", "2", "-listen", "127.0.0.1:0", "-connect", to}, args...)...)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	p := &proxy{Cmd: cmd, log: new(bytes.Buffer)}
	cmd.Stderr = p.log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test has not ended it
	first, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	var ok bool
	p.addr, ok = strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	require.True(t, ok, first)
	return p
}

// dial connects to the proxy.
func (p *proxy) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", p.addr, deadline)
	require.NoError(t, err)
	return own(t, c)
}

// accept takes the next connection that the proxy makes.
func (p *proxy) accept(t testing.TB) *net.TCPConn {
	t.Helper()
	require.NoError(t, p.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(deadline)))
	c, err := p.Accept()
	require.NoError(t, err)
	return own(t, c)
}

func own(t testing.TB, c net.Conn) *net.TCPConn {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(deadline)))
	return c.(*net.TCPConn)
}

// pair connects a client through.
func (p *proxy) pair(t testing.TB) (client, server *net.TCPConn) {
	t.Helper()
	client = p.dial(t)
	return client, p.accept(t)
}

// stop ends the program by a signal and requires status 0.
func (p *proxy) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, p.Wait())
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
	p.stop(t)
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
	p.stop(t)
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
	p.stop(t)
}

// A client is told by a reset that nobody is there, at once, and the log says why.
func TestNobodyThere(t *testing.T) {
	p := start(t)
	require.NoError(t, p.Listener.Close())
	c, err := net.DialTimeout("tcp", p.addr, deadline)
	if err == nil { // else the reset was faster than Dial
		_, err = own(t, c).Read(make([]byte, 1))
	}
	assert.ErrorIs(t, err, syscall.ECONNRESET)
	p.stop(t)
	assert.Contains(t, p.log.String(), "dial tcp "+p.Listener.Addr().String()+": connect: connection refused")
}

// Through two proxies, each of which says to the next by the PROXY protocol who the
// client is, the server still learns it.
func TestProxyProtocol(t *testing.T) {
	inner := start(t, "-trust", "127.0.0.0/8", "-proxy-protocol", "v1")
	outer := run(t, program, inner.addr, "-proxy-protocol", "v2")
	client := outer.dial(t)
	_, err := io.WriteString(client, "first words")
	require.NoError(t, err)
	server := inner.accept(t)
	host, port, _ := net.SplitHostPort(client.LocalAddr().String())
	toHost, toPort, _ := net.SplitHostPort(outer.addr)
	want := "PROXY TCP4 " + strings.Join([]string{host, toHost, port, toPort}, " ") + "\r\nfirst words"
	got := make([]byte, len(want))
	_, err = io.ReadFull(server, got)
	require.NoError(t, err)
	assert.Equal(t, want, string(got))

	plain := inner.dial(t) // a proxy that says nothing is not served
	_, err = io.WriteString(plain, "first words")
	require.NoError(t, err)
	_, err = plain.Read(make([]byte, 1))
	assert.ErrorIs(t, err, syscall.ECONNRESET)
	client.Close()
	server.Close()
	outer.stop(t)
	inner.stop(t)
}

// Above the limit nobody is served.
func TestLimit(t *testing.T) {
	p := start(t, "-limit", "1")
	client, server := p.pair(t)
	says(t, client, "x", server)
	one := p.dial(t)
	_, err := one.Read(make([]byte, 1))
	assert.Error(t, err)
	client.Close()
	server.Close()
	p.stop(t)
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
	p.stop(t)
}

// After a signal those who are connected through are served to their end.
func TestShutdownDrains(t *testing.T) {
	p := start(t)
	client, server := p.pair(t)
	says(t, client, "x", server)
	require.NoError(t, p.Listener.Close()) // whoever comes now is not connected through
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	for refused := false; !refused; {
		c, err := net.Dial("tcp", p.addr)
		if refused = err != nil; !refused {
			c.Close()
		}
	}
	says(t, client, "one more thing", server)
	says(t, server, "the answer", client)
	client.Close()
	server.Close()
	assert.NoError(t, p.Wait(), "status 0")
}

// What is no setting is refused.
func TestFlags(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-connect", "127.0.0.1:1", "more"},
		{"-connect", "127.0.0.1:1", "-proxy-protocol", "v3"},
		{"-connect", "127.0.0.1:1", "-trust", "somebody"},
	} {
		assert.Error(t, exec.Command(program, args...).Run(), args)
	}
}
