package main_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const deadline = 30 * time.Second // for anything: a busy machine is slow

var program string // what TestMain built

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "quote")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "quote")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A server is the program, running.
type server struct {
	*exec.Cmd
	addr string
	out  *bufio.Reader
}

// start runs the program on the first free port of host.
func start(t *testing.T, host string) *server {
	t.Helper()
	cmd := exec.Command(program, "-listen", net.JoinHostPort(host, "0"))
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	out := bufio.NewReader(stdout)
	first, err := out.ReadString('\n')
	require.NoError(t, err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	require.True(t, ok, first)
	return &server{cmd, addr, out}
}

// dial connects to the server.
func (s *server) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", s.addr, deadline)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(deadline)))
	return c
}

// stop ends the server by a signal and requires status 0.
func (s *server) stop(t *testing.T, sig os.Signal) {
	t.Helper()
	require.NoError(t, s.Process.Signal(sig))
	assert.NoError(t, s.Wait())
}

// says sends s and requires the answer.
func says(t *testing.T, c net.Conn, s, answer string) {
	t.Helper()
	_, err := io.WriteString(c, s)
	require.NoError(t, err)
	got := make([]byte, len(answer))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, answer, string(got))
}

// A client is given a quote, and hears what it says until it hangs up.
func TestBothEnds(t *testing.T) {
	s := start(t, "127.0.0.1")
	begun := time.Now()
	out, err := exec.Command(program, "-connect", s.addr).Output()
	assert.NoError(t, err, "status 0")
	assert.GreaterOrEqual(t, time.Since(begun), 2*time.Second)
	quote, rest, _ := strings.Cut(string(out), "\n")
	assert.Contains(t, quote, "(Dijkstra)")
	assert.Equal(t, "heard \"Hello\"\nheard \"1\"\nheard \"2\"\nheard \"3\"\nheard \"4\"\nheard \"world\"\n", rest)
	s.stop(t, syscall.SIGTERM)
}

// Each connection gets another quote, and then its own words.
func TestServer(t *testing.T) {
	s := start(t, "::1")
	quotes := make(map[string]bool)
	for range 3 {
		c := s.dial(t)
		quote, err := bufio.NewReaderSize(c, 16).ReadString('\n')
		require.NoError(t, err)
		quotes[quote] = true
		says(t, c, "and so on", "and so on")
		c.Close()
	}
	assert.Len(t, quotes, 3)
	s.stop(t, syscall.SIGINT)
}

// A client's words come when they are due: five at once, one after a second, the
// end after two.
func TestClient(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	cmd := exec.Command(program, "-connect", l.Addr().String())
	begun := time.Now()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	c, err := l.Accept()
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(deadline)))
	says(t, c, "", "Hello\r\n1\r\n2\r\n3\r\n4\r\n")
	says(t, c, "", "world\r\n")
	assert.GreaterOrEqual(t, time.Since(begun), time.Second)
	rest, err := io.ReadAll(c)
	assert.NoError(t, err)
	assert.Empty(t, rest)
	assert.GreaterOrEqual(t, time.Since(begun), 2*time.Second)
	c.Close()
	assert.NoError(t, cmd.Wait(), "status 0")
}
