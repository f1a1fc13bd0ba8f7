package main_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	dir, err := os.MkdirTemp("", "knock")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "knock")
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

const joke = `Client: Knock knock
Server: Who's there?
Client: Disappearing client
Server: Disappearing client who?
`

// The program tells itself the joke, and both ends show it.
func TestBothEnds(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			s := start(t, host)
			heard, err := exec.Command(program, "-connect", s.addr).Output()
			assert.NoError(t, err, "status 0")
			shown := make([]byte, len(joke))
			_, err = io.ReadFull(s.out, shown)
			assert.NoError(t, err)
			assert.Equal(t, joke, string(shown))
			assert.Equal(t, joke, string(heard))
			s.stop(t, syscall.SIGTERM)
		})
	}
}

// Somebody else's client is understood byte by byte too.
func TestServer(t *testing.T) {
	s := start(t, "127.0.0.1")
	c := s.dial(t)
	says(t, c, "Orange", "Orange who?")
	for _, b := range "Knock knoc" {
		says(t, c, string(b), "")
	}
	says(t, c, "k", "Who's there?")
	says(t, c, "Disappearing client", "Disappearing client who?")
	c.Close()
	s.stop(t, syscall.SIGINT)
}

// A client that finds no server says so.
func TestNobodyAtHome(t *testing.T) {
	addr := bound(t)
	out, err := exec.Command(program, "-connect", addr).CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), addr)
	assert.Contains(t, string(out), "connection refused")
}

// bound returns an address that is taken, so that nobody else can listen there,
// and on which nobody listens.
func bound(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	at, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(at.(*syscall.SockaddrInet4).Port))
}
