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
	dir, err := os.MkdirTemp("", "echo")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "echo")
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
	cmd := exec.Command(program, "-reactors", "2", "-listen", net.JoinHostPort(host, "0"))
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

// Everybody gets back what he sent, and at the end the end.
func TestEcho(t *testing.T) {
	for host, sig := range map[string]os.Signal{"127.0.0.1": syscall.SIGTERM, "::1": syscall.SIGINT} {
		t.Run(host, func(t *testing.T) {
			s := start(t, host)
			one, two := s.dial(t), s.dial(t)
			says(t, one, "hello", "hello")
			says(t, two, strings.Repeat("x", 100_000), strings.Repeat("x", 100_000))
			require.NoError(t, one.(*net.TCPConn).CloseWrite())
			rest, err := io.ReadAll(one)
			assert.NoError(t, err)
			assert.Empty(t, rest)

			require.NoError(t, s.Process.Signal(sig))
			rest, err = io.ReadAll(two)
			assert.NoError(t, err)
			assert.Empty(t, rest)
			two.Close()
			assert.NoError(t, s.Wait(), "status 0")
		})
	}
}
