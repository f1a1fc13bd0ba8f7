package main_test

import (
	"bufio"
	"context"
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
	dir, err := os.MkdirTemp("", "udp")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "udp")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// start runs the server on the first free port of host.
func start(t *testing.T, host string) (cmd *exec.Cmd, addr string, out *bufio.Reader) {
	t.Helper()
	cmd = exec.Command(program, "-reactors", "2", "-listen", net.JoinHostPort(host, "0"))
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	out = bufio.NewReader(stdout)
	first, err := out.ReadString('\n')
	require.NoError(t, err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	require.True(t, ok, first)
	return cmd, addr, out
}

// The client says something, the server answers, and both end well.
func TestTalk(t *testing.T) {
	for host, sig := range map[string]os.Signal{"127.0.0.1": syscall.SIGTERM, "::1": syscall.SIGINT} {
		t.Run(host, func(t *testing.T) {
			server, addr, out := start(t, host)
			said, err := exec.Command(program, "-connect", addr).CombinedOutput()
			assert.NoError(t, err)
			assert.Equal(t, addr+" says \"Are you talking to me?\"\n", string(said))
			heard, err := out.ReadString('\n')
			require.NoError(t, err)
			assert.Contains(t, heard, `says "Hey!"`)
			require.NoError(t, server.Process.Signal(sig))
			assert.NoError(t, server.Wait(), "status 0")
		})
	}
}

// A second server does not take half of the first one's clients.
func TestAddressIsTaken(t *testing.T) {
	_, addr, _ := start(t, "127.0.0.1")
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	said, err := exec.CommandContext(ctx, program, "-reactors", "2", "-listen", addr).CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(said), "in use")
}

// A program without this framework is answered too.
func TestForeignClient(t *testing.T) {
	_, addr, _ := start(t, "localhost")
	c, err := net.Dial("udp", addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(deadline)))
	for range 3 {
		_, err = c.Write([]byte("hello"))
		require.NoError(t, err)
		buf := make([]byte, 100)
		n, err := c.Read(buf)
		require.NoError(t, err)
		assert.Equal(t, "Are you talking to me?", string(buf[:n]))
	}
}

// Where nobody listens the client says so at once.
func TestNobodyThere(t *testing.T) {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.LocalAddr().String()
	l.Close()
	began := time.Now()
	out, err := exec.Command(program, "-connect", addr).CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "refused")
	assert.Less(t, time.Since(began), deadline)
}
