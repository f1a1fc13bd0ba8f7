//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ftp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactor"
)

const patience = time.Minute // a busy machine is slow

// A tlsClient talks to a server over sockets, by crypto/tls.
type tlsClient struct {
	*testing.T
	net.Conn
	*bufio.Reader
	config *tls.Config
	files  *fakeFiles
}

// greetings are what is in the file a.
var greetings = strings.Repeat("hello", 100_000)

// connected is a client who has not logged in.
func connected(t *testing.T, tune func(*Config)) *tlsClient {
	cert, err := secure.SelfSigned("ftp.our.test")
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	c := &tlsClient{T: t, files: &fakeFiles{m: map[string]string{"/a": greetings}}}
	config := Config{Network: r, TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}
	if tune != nil {
		tune(&config)
	}
	port, err := r.Listen("tcp", "127.0.0.1:0", config.New(BackendFunc(func(p *Peer, user, password string) (*Account, error) {
		if password != "sesame" {
			return nil, errors.New("no")
		}
		return &Account{Files: c.files, Allow: ReadWrite}, nil
	})))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		c.Conn.Close()
		stop()
		assert.NoError(t, <-done)
	})
	c.config = &tls.Config{RootCAs: pool, ServerName: "ftp.our.test", ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	c.Conn, err = net.Dial("tcp", port.Addr().String())
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	if config.ImplicitTLS {
		c.Conn = tls.Client(c.Conn, c.config)
	}
	c.Reader = bufio.NewReader(c.Conn)
	c.hears("220 ")
	return c
}

// login logs in.
func (c *tlsClient) login() {
	c.Helper()
	for _, l := range []string{"USER eve", "PASS sesame", "TYPE I"} {
		c.says(l, "")
	}
}

// securely logs in over explicit TLS.
func securely(t *testing.T, tune func(*Config)) *tlsClient {
	c := connected(t, func(c *Config) {
		c.RequireTLS = true
		if tune != nil {
			tune(c)
		}
	})
	c.says("USER eve", "530 TLS is required")
	c.secures()
	return c
}

// secures goes on over TLS, and logs in.
func (c *tlsClient) secures() {
	c.Helper()
	c.says("AUTH TLS", "234 ")
	over := tls.Client(c.Conn, c.config)
	require.NoError(c, over.Handshake())
	c.Conn, c.Reader = over, bufio.NewReader(over)
	c.login()
	c.says("PBSZ 0", "200 ")
	c.says("PROT P", "200 ")
}

func (c *tlsClient) says(l, want string) string {
	c.Helper()
	_, err := io.WriteString(c.Conn, l+"\r\n")
	require.NoError(c, err)
	return c.hears(want)
}

func (c *tlsClient) hears(want string) string {
	c.Helper()
	l, err := c.ReadString('\n')
	require.NoError(c, err)
	require.True(c, strings.HasPrefix(l, want), l)
	return l
}

// data opens a data connection.
func (c *tlsClient) data() net.Conn {
	c.Helper()
	var port int
	_, err := fmt.Sscanf(c.says("EPSV", "229 "), "229 Entering Extended Passive Mode (|||%d|)", &port)
	require.NoError(c, err)
	d, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
	require.NoError(c, err)
	c.Cleanup(func() { d.Close() })
	require.NoError(c, d.SetDeadline(time.Now().Add(patience)))
	return d
}

// handshakeBefore has d shake hands while the reply to l is on its way.
func (c *tlsClient) handshakeBefore(d *tls.Conn, l string) error {
	c.Helper()
	c.says(l, "150 ")
	return d.Handshake()
}

// reads requires that the whole of a file comes over d, and is said to have.
func (c *tlsClient) reads(d net.Conn, want string) {
	c.Helper()
	got, err := io.ReadAll(d)
	assert.NoError(c, err)
	assert.True(c, want == string(got), "%d bytes", len(got))
	c.hears("226 ")
}

// again connects once more.
func (c *tlsClient) again(config *tls.Config) *tlsClient {
	c.Helper()
	n, err := net.Dial("tcp", c.RemoteAddr().String())
	require.NoError(c, err)
	c.Cleanup(func() { n.Close() })
	require.NoError(c, n.SetDeadline(time.Now().Add(patience)))
	other := &tlsClient{T: c.T, Conn: n, Reader: bufio.NewReader(n), config: config, files: c.files}
	other.hears("220 ")
	return other
}
