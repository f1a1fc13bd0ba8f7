package ftp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactortest"
)

// A play is a Client and a small server with some files, which does what it is told.
type play struct {
	*testing.T
	config ftp.ClientConfig
	r      reactortest.Reactor
	server net.Listener
	cert   tls.Certificate
	stop   func()

	mu       sync.Mutex
	files    map[string]*node
	features []string
	said     []string // by clients
	sessions sync.WaitGroup
	cut      bool // the server sends byte by byte

	// instead answers a command in place of the server, and may do more: it returns
	// what is said, a line or more, "" to go on as usual.
	instead   func(s *session, verb, arg string) string
	after     string                                   // what is said at the end of data, instead of 226
	deliver   func(c net.Conn, raw net.Conn, b []byte) // sends the data, instead of all of it and a good end
	pasvIP    string
	serverTLS *tls.Config
	resumed   func() // is called for each connection for data that is
}

// A node is a file, or a folder if data is nil.
type node struct {
	data []byte
	at   time.Time
	fact string // its type, if it is another
}

// slink is the fact of a link, to a file or folder that the server opens by its name.
const slink = "OS.unix=slink"

func folder() *node          { return &node{at: noon} }
func file(text string) *node { return &node{data: []byte(text), at: noon} }

var noon = time.Date(2024, 5, 6, 12, 0, 0, 0, time.UTC)

// inBubble plays over a reactor in memory, within a bubble: its time stands still
// while anything goes on, and who waits for nothing else is woken by his deadline.
func inBubble(t *testing.T, test func(t *testing.T, p *play)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, over(t, reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})))
	})
}

// over runs r until the test ends, with a server.
func over(t *testing.T, r reactortest.Reactor) *play {
	t.Helper()
	return overAddr(t, r, "127.0.0.1:0")
}

func overAddr(t *testing.T, r reactortest.Reactor, addr string) *play {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	p := &play{T: t, r: r, stop: r.Stop, files: map[string]*node{"/": folder()}}
	p.features = []string{"UTF8", "MLST type*;size*;modify*;", "SIZE", "MDTM", "MFMT", "REST STREAM"}
	var err error
	p.server, err = netconn.Listen(r, "tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() {
		p.server.Close()
		r.Stop()
		p.sessions.Wait()
		assert.NoError(t, <-done)
	})
	p.cert, err = certificate()
	require.NoError(t, err)
	p.serverTLS = &tls.Config{Certificates: []tls.Certificate{p.cert}}
	roots := x509.NewCertPool()
	roots.AddCert(p.cert.Leaf)
	p.config = ftp.ClientConfig{
		Network:  r,
		Addr:     p.server.Addr().String(),
		Security: ftp.TLSNever,
		TLS:      &tls.Config{RootCAs: roots, Time: func() time.Time { return p.cert.Leaf.NotAfter.Add(-time.Hour) }},
	}
	p.sessions.Go(p.accept)
	return p
}

var certificate = sync.OnceValues(func() (tls.Certificate, error) { return secure.SelfSigned("127.0.0.1") })

// on runs f on the loop.
func (p *play) on(f func()) {
	p.Helper()
	_, err := protocol.Ask(context.Background(), p.config.Network, func() struct{} { f(); return struct{}{} })
	require.NoError(p, err)
}

// client is a Client, which is closed in the end.
func (p *play) client() *ftp.Client {
	c := p.config.New()
	p.Cleanup(func() { assert.NoError(p, c.Close()) })
	return c
}

// begun makes a Deferred on the loop, and returns it and where its result comes.
func begun[T any](p *play, f func() *deferred.Deferred[T]) (*deferred.Deferred[T], <-chan outcome[T]) {
	p.Helper()
	var d *deferred.Deferred[T]
	c := make(chan outcome[T], 1)
	p.on(func() {
		d = f()
		d.Done(func(v T, err error) { c <- outcome[T]{v, err} })
	})
	return d, c
}

type outcome[T any] struct {
	v   T
	err error
}

// requireRefused requires an error of this command, with this code.
func requireRefused(t *testing.T, err error, verb string, code int) {
	t.Helper()
	var refused *ftp.Error
	require.ErrorAs(t, requireVerb(t, err, verb), &refused)
	assert.Equal(t, code, refused.Code, err)
}

func requireVerb(t *testing.T, err error, verb string) error {
	t.Helper()
	var e *ftp.ClientError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, verb, e.Verb, err)
	return err
}

// logins are what names clients have logged in by.
func (p *play) logins() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.said {
		if name, ok := strings.CutPrefix(line, "USER "); ok {
			names = append(names, name)
		}
	}
	return names
}

func (p *play) accept() {
	for {
		c, err := p.server.Accept()
		if err != nil {
			return
		}
		p.sessions.Go(func() { (&session{play: p, conn: c, cwd: "/"}).serve() })
	}
}

// text is what a file at the server has.
func (p *play) text(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.files[name]; n != nil {
		return string(n.data)
	}
	return "(nothing)"
}

// large is more than buffers take.
var large = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
