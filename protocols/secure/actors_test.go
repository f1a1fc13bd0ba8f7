package secure_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
)

// A session is a protocol that notes what it hears, and does what a test tells it.
type session struct {
	protocol.Base
	made    func()
	data    func(data []byte)
	secured func(state tls.ConnectionState)
	lost    func()
	keep    bool // the connection when the peer ends its side
	quiet   bool // input is not noted

	heard  []string
	input  int
	state  tls.ConnectionState
	reason error
}

func (s *session) note(format string, args ...any) {
	s.heard = append(s.heard, fmt.Sprintf(format, args...))
}

// take returns what was heard since the last take.
func (s *session) take() string {
	h := strings.Join(s.heard, ", ")
	s.heard = nil
	return h
}

func (s *session) ConnectionMade(protocol.Transport) {
	s.note("made")
	if s.made != nil {
		s.made()
	}
}

// DataReceived notes pieces that follow each other as one.
func (s *session) DataReceived(data []byte) {
	s.input += len(data)
	if n := len(s.heard); s.quiet {
	} else if n > 0 && strings.HasPrefix(s.heard[n-1], "data ") {
		s.heard[n-1] += string(data)
	} else {
		s.note("data %s", data)
	}
	if s.data != nil {
		s.data(data)
	}
}

func (s *session) Secured(state tls.ConnectionState) {
	s.note("secured")
	s.state = state
	if s.secured != nil {
		s.secured(state)
	}
}

func (s *session) EOFReceived() (keep bool) { s.note("eof"); return s.keep }
func (s *session) ReadResumed()             { s.note("resumed") }

func (s *session) ConnectionLost(reason error) {
	s.note("lost")
	s.reason = reason
	if s.lost != nil {
		s.lost()
	}
}

func (s *session) say(text string) { fmt.Fprint(s, text) }

// tls returns what the transport says of TLS.
func (s *session) tls() (state tls.ConnectionState, ok bool) {
	t, _ := protocol.As[protocol.TLSStater](s.Transport)
	return t.TLSState()
}

// startTLS starts it, as a protocol does.
func (s *session) startTLS() error {
	t, _ := protocol.As[protocol.TLSStarter](s.Transport)
	return t.StartTLS()
}

// of is a factory of this one protocol.
func of(p protocol.Protocol) factory.Factory {
	return factory.Func(func(net.Addr) protocol.Protocol { return p })
}

// peer is the address of the peers that there is no network for.
var peer = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 50000}

// over is p over TLS from the start.
func over(c secure.Config, p protocol.Protocol) protocol.Protocol {
	return c.Wrap(of(p)).BuildProtocol(peer)
}

// offering is p over a connection that can change to TLS.
func offering(c secure.Config, p protocol.Protocol) protocol.Protocol {
	return c.Offer(of(p)).BuildProtocol(peer)
}

var (
	serverSide = secure.Config{Server: serverTLS}
	clientSide = secure.Config{Client: clientTLS}
)

// with returns a copy of c that f has changed.
func with(c *tls.Config, f func(c *tls.Config)) *tls.Config {
	c = c.Clone()
	f(c)
	return c
}

// version is c for that version of TLS only.
func version(c *tls.Config, v uint16) *tls.Config {
	return with(c, func(c *tls.Config) { c.MinVersion, c.MaxVersion = v, v })
}

// eachVersion runs test with TLS 1.2 and 1.3.
func eachVersion(t *testing.T, test func(t *testing.T, v uint16)) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(v), func(t *testing.T) { test(t, v) })
	}
}

// A wire is the network as crypto/tls sees it at the other end of a Transport:
// what it writes is received at once, and it reads what has been sent by then.
// So the two talk on one goroutine.
type wire struct {
	tr     *protocoltest.Transport
	in     string
	sent   func(p []byte) []byte // changes what crypto/tls sends, if it is not nil
	record []int                 // lengths of the records that were received
	random []byte                // of the hello that was received
}

func (w *wire) Write(p []byte) (int, error) {
	n := len(p)
	if w.sent != nil {
		p = w.sent(p)
	}
	w.tr.Receive(string(p))
	return n, nil
}

func (w *wire) Read(p []byte) (int, error) {
	if w.in == "" {
		w.in = w.tr.Take()
		if w.random == nil && len(w.in) > 43 {
			w.random = []byte(w.in[11:43])
		}
		for s := w.in; len(s) >= 5; s = s[5+w.record[len(w.record)-1]:] {
			w.record = append(w.record, int(s[3])<<8|int(s[4]))
		}
	}
	switch {
	case w.in != "":
		n := copy(p, w.in)
		w.in = w.in[n:]
		return n, nil
	case w.tr.Closed():
		return 0, io.EOF
	}
	return 0, nothingYet{os.ErrDeadlineExceeded}
}

// nothingYet is what crypto/tls may read again after.
type nothingYet struct{ error }

func (nothingYet) Timeout() bool   { return true }
func (nothingYet) Temporary() bool { return true }

func (w *wire) LocalAddr() net.Addr              { return peer }
func (w *wire) RemoteAddr() net.Addr             { return peer }
func (w *wire) Close() error                     { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// read returns what c has to read now, and the error that is not "nothing yet".
func read(c *tls.Conn) (string, error) {
	var got []byte
	for buf := make([]byte, 1<<15); ; {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if _, nothing := err.(nothingYet); nothing {
			return string(got), nil
		}
		if err != nil {
			return string(got), err
		}
	}
}

// foreignServer is crypto/tls, connected to p, which is a client. Its handshake is to
// be begun.
func foreignServer(p protocol.Protocol, c *tls.Config) (*protocoltest.Transport, *wire, *tls.Conn) {
	w := &wire{tr: protocoltest.Connect(p)}
	return w.tr, w, tls.Server(w, c)
}

// foreignClient is crypto/tls, connected to p, after the handshake.
func foreignClient(t testing.TB, p protocol.Protocol, c *tls.Config) (*protocoltest.Transport, *wire, *tls.Conn) {
	t.Helper()
	w := &wire{tr: protocoltest.Connect(p)}
	conn := tls.Client(w, c)
	require.NoError(t, conn.Handshake())
	w.record = nil
	return w.tr, w, conn
}

// noGoroutines has the test fail that leaves some behind.
func noGoroutines(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
			if time.Now().After(end) {
				buf := make([]byte, 1<<18)
				t.Fatalf("%d goroutines were there and these are:\n%s", before, buf[:runtime.Stack(buf, true)])
			}
		}
	})
}
