package secure_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
)

// forged is a server over TLS and its client, who can forge.
func forged(t *testing.T, p protocol.Protocol, v uint16) (*protocoltest.Transport, *wire, *tls.Conn, *forger) {
	t.Helper()
	var log strings.Builder
	tr, w, conn := foreignClient(t, p, with(version(clientTLS, v), func(c *tls.Config) {
		c.KeyLogWriter = &log
		c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	}))
	return tr, w, conn, forge(t, conn.ConnectionState(), log.String(), "CLIENT", w.random)
}

// What is no TLS, or wrong, ends the connection with a reason and tells the peer why.
func TestBadRecords(t *testing.T) {
	const v12, v13 = tls.VersionTLS12, tls.VersionTLS13
	for _, c := range []struct {
		name   string
		v      uint16 // 0: either
		input  func(f *forger) string
		reason string
		alert  string // what the peer is told
	}{
		{"a bad MAC", 0, func(f *forger) string {
			r := []byte(f.record(dataRecord, "hello"))
			r[len(r)-1] ^= 1
			return string(r)
		}, "bad record MAC", "bad record MAC"},
		{"an old record", 0, func(f *forger) string {
			f.seq--
			return f.record(dataRecord, "hello")
		}, "bad record MAC", "bad record MAC"},
		{"clear text", 0, func(*forger) string { return "GET / HTTP/1.1\r\n\r\n" }, "received record with version", "protocol version not supported"},
		{"a long record", 0, func(*forger) string { return "\x17\x03\x03\xff\xff" }, "oversized record", "record overflow"},
		{"a long content", 0, func(f *forger) string { return f.record(dataRecord, strings.Repeat("x", 16<<10+1)) }, "record overflow", "record overflow"},
		{"an unknown type", 0, func(f *forger) string { return f.record(99, "x") }, "unexpected message", "unexpected message"},
		{"an unknown message", 0, func(f *forger) string { return f.record(handshakeRecord, "\x63\x00\x00\x00") }, "unexpected message", "unexpected message"},
		{"a ClientHello", 0, func(f *forger) string { return f.record(handshakeRecord, helloOf(t, clientTLS)[5:]) }, "unexpected", "unexpected message"},
		{"a message without end", v13, func(f *forger) string { return f.record(handshakeRecord, "\x18\xff\xff\xff") }, "exceeds maximum", "internal error"},
		{"a broken KeyUpdate", v13, func(f *forger) string { return f.record(handshakeRecord, "\x18\x00\x00\x01\x07") }, "error decoding message", "error decoding message"},
		{"empty records", 0, func(f *forger) string { return many(20, func() string { return f.record(dataRecord, "") }) }, "too many ignored records", "unexpected message"},
		{"warnings", v12, func(f *forger) string { return many(20, func() string { return f.record(alertRecord, "\x01\x5a") }) }, "too many ignored records", "unexpected message"},
		{"cancellations", v13, func(f *forger) string { return many(20, func() string { return f.record(alertRecord, "\x01\x5a") }) }, "too many ignored records", "unexpected message"},
		{"KeyUpdates", v13, func(f *forger) string {
			return many(20, func() string { r := f.record(handshakeRecord, keyUpdate); f.update(); return r })
		}, "too many non-advancing records", "unexpected message"},
		{"an alert", 0, func(f *forger) string { return f.record(alertRecord, "\x02\x28") }, "remote error: tls: handshake failure", ""},
		{"a broken alert", 0, func(f *forger) string { return f.record(alertRecord, "\x02") }, "unexpected message", "unexpected message"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachVersion(t, func(t *testing.T, v uint16) {
				if c.v != 0 && c.v != v {
					return
				}
				server := &session{}
				tr, _, conn, f := forged(t, over(serverSide, server), v)
				tr.Receive(f.record(dataRecord, "before") + c.input(f) + f.record(dataRecord, "behind"))
				assert.Equal(t, "made, secured, data before, lost", server.take())
				assert.ErrorContains(t, server.reason, c.reason)
				var failed *secure.HandshakeError
				assert.NotErrorAs(t, server.reason, &failed)
				_, err := read(conn)
				if c.alert != "" {
					var alert *net.OpError
					require.ErrorAs(t, err, &alert)
					assert.ErrorContains(t, alert, c.alert)
				}
				assert.True(t, tr.Closed())
				tr.Do(func() { _, err = server.Write([]byte("x")); assert.Equal(t, net.ErrClosed, err) })
			})
		})
	}
}

func many(n int, f func() string) (all string) {
	for range n {
		all += f()
	}
	return all
}

// A client that speaks no TLS is told nothing that it would not understand, and gets
// no answer in clear.
func TestPlainClient(t *testing.T) {
	for _, s := range []string{"GET / HTTP/1.1\r\nHost: torsion.test\r\n\r\n", "EHLO plain.test\r\n", "\x00\x00\x00\x00\x00"} {
		noGoroutines(t)
		server := &session{}
		tr := protocoltest.Connect(over(serverSide, server))
		tr.Receive(s)
		var header tls.RecordHeaderError
		require.ErrorAs(t, tr.Lost(), &header)
		assert.Equal(t, s[:5], string(header.RecordHeader[:]))
		assert.Empty(t, server.take()+tr.Take())
		assert.True(t, tr.Closed())
		if header.Conn != nil {
			tr.Do(func() { header.Conn.Write([]byte("HTTP/1.0 400 Bad Request\r\n\r\n")) })
			assert.Empty(t, tr.Take())
		}
	}
}

// The keys may change at any time, and what is said before and behind is heard.
func TestKeyUpdate(t *testing.T) {
	server := &session{}
	server.data = func(data []byte) { server.Write(data) }
	tr, _, conn, f := forged(t, over(serverSide, server), tls.VersionTLS13)
	for range 50 {
		tr.Receive(f.record(dataRecord, "a") + f.record(handshakeRecord, keyUpdate))
		f.update()
		tr.Receive(f.record(dataRecord, "b"))
		got, err := read(conn)
		assert.NoError(t, err)
		assert.Equal(t, "ab", got)
	}
}

// A paced session keeps reading whatever waits to be sent, as a proxy does.
type pacedSession struct{ session }

func (p *pacedSession) PauseWriting()  { p.note("pause") }
func (p *pacedSession) ResumeWriting() { p.note("resume") }

// A peer that has TLS answer and does not read the answers is not read in turn, so
// that it cannot have us keep them, though what is above reads on.
func TestAnswersNobodyReads(t *testing.T) {
	server := &pacedSession{}
	server.quiet = true
	tr, _, _, f := forged(t, over(serverSide, server), tls.VersionTLS13)
	tr.Stall(true)
	const updates = 5_000
	tr.Receive(f.asking(updates))
	waiting := 0
	tr.Do(func() { waiting = server.Buffered() })
	assert.Less(t, waiting, 64<<10)
	assert.Less(t, server.input, updates)
	assert.NoError(t, server.reason)
	tr.Stall(false)
	for range 1000 {
		tr.Take()
	}
	assert.Equal(t, updates, server.input, "when they have been read all is heard")
}

// Such a peer is read again when it has read the answers, however long the file is that
// it is getting meanwhile.
func TestAnswersWaitForNoFile(t *testing.T) {
	const size, updates = 16 << 20, 1000
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Truncate(size))
	server := &pacedSession{}
	tr, _, _, forger := forged(t, over(serverSide, server), tls.VersionTLS13)
	tr.Stall(true)
	heard := 0 // when the file had been sent
	tr.Do(func() {
		s, _ := protocol.As[protocol.FileSender](server.Transport)
		s.SendFile(f, 0, -1, func(int64, error) { heard = server.input })
	})
	tr.Receive(forger.asking(updates))
	assert.Less(t, server.input, updates)
	tr.Stall(false)
	assert.Equal(t, updates, heard)
}

// What comes behind the peer's close_notify is ignored, and not kept.
func TestInputBehindCloseNotify(t *testing.T) {
	for _, keep := range []bool{true, false} {
		server := &session{keep: keep}
		tr, _, conn, f := forged(t, over(serverSide, server), tls.VersionTLS13)
		more := f.record(dataRecord, "more")
		f.seq = 0
		tr.Receive(f.record(dataRecord, "hello") + f.record(alertRecord, "\x01\x00") + more)
		assert.True(t, strings.HasPrefix(server.take(), "made, secured, data hello, eof"))
		if keep {
			before := hosttest.Heap()
			flood := strings.Repeat("x", 1<<20)
			for range 16 {
				tr.Receive(flood)
			}
			assert.Less(t, hosttest.Heap()-before, 4<<20)
			tr.Do(func() { server.say("answer"); server.LoseConnection() })
		}
		got, err := read(conn)
		assert.Error(t, err)
		assert.Equal(t, map[bool]string{true: "answer"}[keep], got)
		assert.Equal(t, protocol.ErrConnectionDone, server.reason)
	}
}

// Clients never renegotiate, whatever the Config says, and a server that is asked to
// refuses.
func TestNoRenegotiation(t *testing.T) {
	const helloRequest = "\x00\x00\x00\x00"
	for _, r := range []tls.RenegotiationSupport{tls.RenegotiateNever, tls.RenegotiateOnceAsClient, tls.RenegotiateFreelyAsClient} {
		var log strings.Builder
		c := with(version(clientTLS, tls.VersionTLS12), func(c *tls.Config) { c.Renegotiation = r })
		client := &session{}
		s := with(serverTLS, func(c *tls.Config) {
			c.KeyLogWriter = &log
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		})
		tr, w, conn := foreignServer(over(secure.Config{Client: c}, client), s)
		var random []byte
		w.sent = func(p []byte) []byte {
			if random == nil {
				random = []byte(string(p[11:43]))
			}
			return p
		}
		require.NoError(t, conn.Handshake())
		f := forge(t, conn.ConnectionState(), log.String(), "SERVER", random)
		tr.Receive(f.record(dataRecord, "hello") + f.record(handshakeRecord, helloRequest))
		assert.Equal(t, "made, secured, data hello, lost", client.take())
		assert.ErrorContains(t, client.reason, "no renegotiation")
		assert.Equal(t, r, c.Renegotiation, "the caller's stays as it is")
	}
	server := &session{}
	tr, _, _, f := forged(t, over(serverSide, server), tls.VersionTLS12)
	tr.Receive(f.record(handshakeRecord, helloRequest))
	assert.ErrorContains(t, server.reason, "no renegotiation")
}

// All that is written in one event, in however many pieces, is one record if it is
// small, and in order whatever its size.
func TestOneRecordPerEvent(t *testing.T) {
	eachVersion(t, func(t *testing.T, v uint16) {
		server := &session{}
		tr, w, conn := foreignClient(t, over(serverSide, server), version(clientTLS, v))
		_, err := read(conn)
		require.NoError(t, err)
		w.record = nil
		server.data = func(data []byte) {
			for i := range 100 {
				fmt.Fprintf(server, "line %d\r\n", i)
			}
			shared, _ := protocol.As[protocol.SharedWriter](server.Transport)
			shared.WriteShared([]byte("shared"))
			b, _ := protocol.As[protocol.BufferAvailer](server.Transport)
			server.Write(append(b.AvailableBuffer(), "room"...))
		}
		conn.Write([]byte("go"))
		got, err := read(conn)
		assert.NoError(t, err)
		assert.True(t, strings.HasPrefix(got, "line 0\r\nline 1\r\n"))
		assert.True(t, strings.HasSuffix(got, "line 99\r\nsharedroom"))
		assert.Len(t, w.record, 1)

		w.record = nil
		sent := strings.Repeat("0123456789abcdef", 10_000)
		tr.Do(func() {
			server.say(sent[:100])
			for i := 100; i < len(sent); i += 1234 {
				server.say(sent[i:min(i+1234, len(sent))])
			}
			server.say(sent)
		})
		got, err = read(conn)
		assert.NoError(t, err)
		assert.Equal(t, sent+sent, got)
		for _, n := range w.record {
			assert.LessOrEqual(t, n, 16<<10+256)
		}
	})
}

// An event of another connection's, or a posted call, is an event too.
func TestOneRecordPerPostedCall(t *testing.T) {
	server := &session{}
	tr, w, conn := foreignClient(t, over(serverSide, server), clientTLS)
	_, err := read(conn)
	require.NoError(t, err)
	w.record = nil
	tr.Do(func() { server.say("one"); server.say("two") })
	tr.Do(func() { server.AfterFunc(time.Second, func() { server.say("three"); server.say("four") }) })
	tr.Advance(time.Second)
	got, err := read(conn)
	assert.NoError(t, err)
	assert.Equal(t, "onetwothreefour", got)
	assert.Len(t, w.record, 2)
}
