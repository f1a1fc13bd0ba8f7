package main_test

import (
	"net"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

const joke = `Client: Knock knock
Server: Who's there?
Client: Disappearing client
Server: Disappearing client who?
`

// The program tells itself the joke, and both ends show it.
func TestBothEnds(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			p := programtest.Serve(t, "-listen", net.JoinHostPort(host, "0"))
			heard, err := programtest.Command("-connect", p.Addr).Output()
			assert.NoError(t, err, "status 0")
			assert.Equal(t, joke, string(heard))
			assert.Equal(t, joke, p.Stop(t, syscall.SIGTERM))
		})
	}
}

// Somebody else's client is understood byte by byte too.
func TestServer(t *testing.T) {
	p := programtest.Serve(t, "-listen", "127.0.0.1:0")
	c := p.Dial(t)
	c.Say("Orange")
	c.Hear("Orange who?")
	for _, b := range "Knock knock" {
		c.Say(string(b))
	}
	c.Hear("Who's there?")
	c.Say("Disappearing client")
	c.Hear("Disappearing client who?")
	c.Close()
	p.Stop(t, syscall.SIGINT)
}

// A client that finds no server says so.
func TestNobodyAtHome(t *testing.T) {
	addr := bound(t)
	out, err := programtest.Command("-connect", addr).CombinedOutput()
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
