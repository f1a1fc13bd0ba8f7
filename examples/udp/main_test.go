package main_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// The client says something, the server answers, and both end well.
func TestTalk(t *testing.T) {
	for host, sig := range map[string]os.Signal{"127.0.0.1": syscall.SIGTERM, "::1": syscall.SIGINT} {
		t.Run(host, func(t *testing.T) {
			p := programtest.Serve(t, "-listen", net.JoinHostPort(host, "0"))
			said, err := programtest.Command("-connect", p.Addr).CombinedOutput()
			assert.NoError(t, err)
			assert.Equal(t, p.Addr+" says \"Are you talking to me?\"\n", string(said))
			assert.Contains(t, p.Stop(t, sig), `says "Hey!"`)
		})
	}
}

// A second server does not take half of the first one's clients.
func TestAddressIsTaken(t *testing.T) {
	p := programtest.Serve(t, "-listen", "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), programtest.Patience)
	defer cancel()
	said, err := exec.CommandContext(ctx, programtest.Path, "-reactors", "2", "-listen", p.Addr).CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(said), "in use")
}

// A program without this framework is answered too.
func TestForeignClient(t *testing.T) {
	c := programtest.Dial(t, "udp", programtest.Serve(t, "-listen", "localhost:0").Addr).Conn
	for range 3 {
		_, err := c.Write([]byte("hello"))
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
	out, err := programtest.Command("-connect", addr).CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "refused")
	assert.Less(t, time.Since(began), programtest.Patience)
}
