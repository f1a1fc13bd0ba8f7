//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/reactor"
)

const patience = time.Minute // a busy machine is slow

// serve runs a reactor that listens for f until stop is called or the test ends.
func serve(t testing.TB, f factory.Factory) (addr string, stop func()) {
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	port, err := r.Listen("tcp", "127.0.0.1:0", f)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return port.Addr().String(), stop
}

// A caller talks to a server over a socket.
type caller struct {
	t *testing.T
	net.Conn
	*bufio.Reader
}

func call(t *testing.T, addr string) *caller {
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return &caller{t, c, bufio.NewReader(c)}
}

func (c *caller) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// says sends a line and returns the reply.
func (c *caller) says(l string) string {
	_, err := io.WriteString(c.Conn, l+"\r\n")
	require.NoError(c.t, err)
	return c.hears()
}

// hears reads a reply, of whatever lines.
func (c *caller) hears() string {
	var all strings.Builder
	for {
		l, err := c.ReadString('\n')
		require.NoError(c.t, err, all.String())
		all.WriteString(l)
		if len(l) > 3 && l[3] == ' ' {
			return all.String()
		}
	}
}

func (c *caller) startTLS(config *tls.Config) {
	over := tls.Client(c.Conn, config)
	require.NoError(c.t, over.Handshake())
	c.Conn, c.Reader = over, bufio.NewReader(over)
}

// gone requires that nothing more comes.
func (c *caller) gone() {
	rest, _ := io.ReadAll(c)
	assert.Empty(c.t, string(rest))
}

// STARTTLS forgets what came before it, a transaction included; then there is AUTH, and
// no STARTTLS any more (RFC 3207, section 4.2).
func TestStartTLS(t *testing.T) {
	server, client := certified(t)
	for _, onLoop := range []bool{true, false} {
		k := &keeper{clerk: clerk{onLoop: onLoop}}
		config := testServer()
		config.TLS = server
		addr, stop := serve(t, config.New(k))
		c := call(t, addr)
		assert.Equal(t, "220 mx.our.test ESMTP Torsion\r\n", c.hears())
		assert.Contains(t, c.says("STARTTLS"), "503 ")
		hello := c.says("EHLO before")
		assert.Contains(t, hello, "250-STARTTLS\r\n")
		assert.NotContains(t, hello, "AUTH")
		assert.Contains(t, c.says("AUTH PLAIN AGV2ZQBzZXNhbWU="), "538 5.7.11")
		assert.Contains(t, c.says("MAIL FROM:<a@x>"), "250 ")
		assert.Contains(t, c.says("STARTTLS now"), "501 ")
		assert.Equal(t, "220 2.0.0 Ready to start TLS\r\n", c.says("STARTTLS"))
		c.startTLS(client)
		assert.Contains(t, c.says("MAIL FROM:<a@x>"), "503 ")
		hello = c.says("EHLO after")
		assert.NotContains(t, hello, "STARTTLS")
		assert.Contains(t, hello, "250-AUTH PLAIN\r\n")
		assert.Contains(t, c.says("STARTTLS"), "503 5.5.1 TLS is active already")
		assert.Contains(t, c.says("AUTH PLAIN AGV2ZQBzZXNhbWU="), "235 ")
		assert.Contains(t, c.says("MAIL FROM:<a@x>"), "250 ")
		assert.Contains(t, c.says("QUIT"), "221 ")
		c.gone()
		stop()
		assert.Equal(t, "hello before\nmail a@x\nreset\nlogout\nhello after\nmail a@x\nreset\nlogout", k.asked())
		require.Len(t, k.peers, 2)
		assert.Nil(t, k.peers[0].TLS)
		require.NotNil(t, k.peers[1].TLS)
		assert.True(t, k.peers[1].TLS.HandshakeComplete)
	}
}

// A login in clear, where that is allowed, is forgotten with all else that was said there.
func TestStartTLSForgetsLogin(t *testing.T) {
	server, client := certified(t)
	config := testServer()
	config.TLS, config.AllowInsecureAuth = server, true
	addr, _ := serve(t, config.New(&keeper{}))
	c := call(t, addr)
	c.hears()
	c.says("EHLO before")
	assert.Contains(t, c.says("AUTH PLAIN AGV2ZQBzZXNhbWU="), "235 ")
	assert.Contains(t, c.says("AUTH PLAIN AGV2ZQBzZXNhbWU="), "503 ")
	assert.Contains(t, c.says("STARTTLS"), "220 ")
	c.startTLS(client)
	c.says("EHLO after")
	assert.Contains(t, c.says("AUTH PLAIN AGV2ZQBzZXNhbWU="), "235 ")
	assert.Contains(t, c.says("QUIT"), "221 ")
	c.gone()
}

// With TLS from the start there is AUTH at once and no STARTTLS (RFC 8314, section 3.3).
func TestImplicitTLS(t *testing.T) {
	server, client := certified(t)
	k := &keeper{}
	config := testServer()
	config.TLS, config.ImplicitTLS = server, true
	addr, _ := serve(t, config.New(k))
	c := call(t, addr)
	c.startTLS(client)
	assert.Equal(t, "220 mx.our.test ESMTP Torsion\r\n", c.hears())
	hello := c.says("EHLO me")
	assert.NotContains(t, hello, "STARTTLS")
	assert.Contains(t, hello, "250-AUTH PLAIN\r\n")
	assert.Contains(t, c.says("AUTH PLAIN AGV2ZQBzZXNhbWU="), "235 ")
	assert.Contains(t, c.says("QUIT"), "221 ")
	c.gone()
}
