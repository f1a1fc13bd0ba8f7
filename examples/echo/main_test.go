package main_test

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// Everybody gets back what he sent, and at the end the end.
func TestEcho(t *testing.T) {
	for host, sig := range map[string]os.Signal{"127.0.0.1": syscall.SIGTERM, "::1": syscall.SIGINT} {
		t.Run(host, func(t *testing.T) {
			p := programtest.Serve(t, "-listen", net.JoinHostPort(host, "0"))
			one, two := p.Dial(t), p.Dial(t)
			one.Say("hello")
			one.Hear("hello")
			two.Say(strings.Repeat("x", 100_000))
			two.Hear(strings.Repeat("x", 100_000))
			require.NoError(t, one.Conn.(*net.TCPConn).CloseWrite())
			assert.Empty(t, one.HearRest())

			p.Signal(t, sig)
			two.HearEnd()
			p.Ends(t)
		})
	}
}
