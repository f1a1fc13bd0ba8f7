package secure_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
)

// A link is a client of a network by which crypto/tls talks to its server. When that
// has gone there remains the client, which is small.
type link struct {
	protocol.Base
	n  network
	in []byte
}

func (l *link) DataReceived(data []byte) { l.in = append(l.in, data...) }

func (l *link) Write(p []byte) (int, error) {
	l.n.do(func() { l.Base.Write(p) })
	return len(p), nil
}

func (l *link) Read(p []byte) (int, error) {
	if len(l.in) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, l.in)
	if l.in = l.in[n:]; len(l.in) == 0 {
		l.in = nil
	}
	return n, nil
}

func (l *link) Close() error                     { return nil }
func (l *link) LocalAddr() net.Addr              { return peer }
func (l *link) RemoteAddr() net.Addr             { return peer }
func (l *link) SetDeadline(time.Time) error      { return nil }
func (l *link) SetReadDeadline(time.Time) error  { return nil }
func (l *link) SetWriteDeadline(time.Time) error { return nil }

// echo is a protocol that sends back what it gets.
type echo struct{ protocol.Base }

func (e *echo) DataReceived(data []byte) { e.Write(data) }

// perConnection is what a server's connection keeps of the heap when n bytes have been
// sent to it and back, in bytes.
func perConnection(t *testing.T, f func(factory.Factory) factory.Factory, client *tls.Config, n int) int {
	t.Helper()
	const connections = 100
	net := serving(t, f(factory.Each(func() protocol.Protocol { return &echo{} })))
	buf := make([]byte, n)
	visit := func() {
		l := &link{n: net}
		net.connect(of(l))
		conn := io.ReadWriter(l)
		if client != nil {
			conn = tls.Client(l, client)
		}
		for range 3 {
			_, err := conn.Write(buf)
			require.NoError(t, err)
			_, err = io.ReadFull(conn, buf)
			require.NoError(t, err)
		}
	}
	visit()
	before := hosttest.Heap()
	for range connections {
		visit()
	}
	kept := (hosttest.Heap() - before) / connections
	net.Stop()
	net.Stop()
	net.Settle()
	return kept
}

// An idle connection keeps no more than crypto/tls's own buffers, which are as large as
// the largest record was, whatever arrived at once.
func TestIdleConnectionsAreSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("debug builds keep more")
	}
	eachVersion(t, func(t *testing.T, v uint16) {
		plain := perConnection(t, func(f factory.Factory) factory.Factory { return f }, nil, 100)
		for _, c := range []struct{ n, most int }{{100, 14 << 10}, {200 << 10, 38 << 10}} {
			kept := perConnection(t, secure.Config{Server: serverTLS}.Wrap, version(clientTLS, v), c.n) - plain
			t.Logf("after %d bytes: %d, of which %d without TLS", c.n, kept+plain, plain)
			assert.Less(t, kept, c.most)
		}
	})
}

// echoing is an echo server over TLS and the records with which n requests are made.
func echoing(t testing.TB, v uint16, n, size int) (p protocol.Protocol, do func(f func()), records [][]byte) {
	e := &echo{}
	p = over(serverSide, e)
	tr, w, conn := foreignClient(t, p, version(clientTLS, v))
	w.sent = func(p []byte) []byte { records = append(records, append([]byte(nil), p...)); return nil }
	buf := make([]byte, size)
	for range n {
		conn.Write(buf)
	}
	return p, func(f func()) { tr.Do(f); tr.Take() }, records
}

// An echo's event, through TLS: what is received is opened, what is answered is sealed.
func TestEchoAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("debug builds look at the goroutine each time")
	}
	eachVersion(t, func(t *testing.T, v uint16) {
		const runs = 100
		p, do, records := echoing(t, v, runs+1, 64)
		flusher, _ := protocol.As[protocol.Flusher](p)
		do(func() {
			n := testing.AllocsPerRun(runs, func() {
				p.DataReceived(records[0])
				flusher.Flush()
				records = records[1:]
			})
			assert.LessOrEqual(t, n, 2.0, "what crypto/tls itself does")
			t.Log(n)
		})
	})
}

func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			const batch = 100
			for done := 0; done < b.N; done += batch {
				b.StopTimer()
				p, do, records := echoing(b, tls.VersionTLS13, batch, size)
				flusher, _ := protocol.As[protocol.Flusher](p)
				b.StartTimer()
				for _, r := range records {
					do(func() { p.DataReceived(r); flusher.Flush() })
				}
			}
		})
	}
}
