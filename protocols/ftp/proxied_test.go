//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ftp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/proxyproto"
	"github.com/torsion-go/torsion/reactor"
)

// Behind a proxy the data port is one of this machine's, whatever address the client has
// connected to; and it is that client's.
func TestDataBehindProxy(t *testing.T) {
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	files := &fakeFiles{m: map[string]string{"/a": "hello"}}
	config := Config{Network: r}
	f := config.New(BackendFunc(func(*Peer, string, string) (*Account, error) { return &Account{Files: files}, nil }))
	proxied := proxyproto.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}.Wrap(f)
	port, err := r.Listen("tcp", "127.0.0.1:0", proxied)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { stop(); assert.NoError(t, <-done) })
	n, err := net.Dial("tcp", port.Addr().String())
	require.NoError(t, err)
	defer n.Close()
	c := &tlsClient{T: t, Conn: n, Reader: bufio.NewReader(n), files: files}
	io.WriteString(n, "PROXY TCP4 127.0.0.1 198.51.100.1 1111 21\r\n")
	c.hears("220 ")
	c.login()
	d := c.data()
	c.says("RETR a", "150 ")
	c.reads(d, "hello")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c.says(fmt.Sprintf("EPRT |1|127.0.0.1|%d|", l.Addr().(*net.TCPAddr).Port), "200 ")
	c.says("RETR a", "150 ")
	c.hears("226 ")
	c.says("PASV", "227 Entering Passive Mode (198,51,100,1,")
}
