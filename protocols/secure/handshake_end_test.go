package secure_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
)

// A peer that goes away in the handshake, wherever, is a handshake that failed, and
// leaves nothing behind.
func TestPeerGoesInTheHandshake(t *testing.T) {
	noGoroutines(t)
	hello := helloOf(t, clientTLS)
	for n := 0; n <= len(hello); n += 1 + len(hello)/50 {
		for _, start := range []bool{false, true} {
			s := &session{}
			s.made = func() { assert.NoError(t, s.startTLS()) }
			build := func() protocol.Protocol {
				if start {
					*s = session{made: s.made}
					return offering(serverSide, s)
				}
				return over(serverSide, &session{})
			}
			tr := protocoltest.Connect(build())
			tr.Receive(hello[:n])
			tr.EOF()
			var failed *secure.HandshakeError
			require.ErrorAs(t, tr.Lost(), &failed)
			assert.ErrorContains(t, failed, "hung up")
			assert.True(t, tr.Closed())
			assert.Zero(t, tr.Timers())

			tr = protocoltest.Connect(build())
			tr.Receive(hello[:n])
			tr.Reset()
			assert.ErrorIs(t, tr.Lost(), syscall.ECONNRESET)
			assert.Zero(t, tr.Timers())
			if start {
				assert.Equal(t, "made, lost", s.take())
			}
		}
	}
}

// A handshake has its time, however busy the peer looks.
func TestHandshakeTimeout(t *testing.T) {
	noGoroutines(t)
	hello := helloOf(t, clientTLS)
	for _, c := range []struct{ set, d time.Duration }{{0, 10 * time.Second}, {time.Second, time.Second}, {-1, time.Hour}} {
		s := serverSide
		s.HandshakeTimeout = c.set
		tr := protocoltest.Connect(over(s, &session{}))
		for n := range 20 {
			assert.NoError(t, tr.Lost())
			tr.Receive(hello[n : n+1])
			tr.Advance(c.d / 20)
		}
		if c.set < 0 {
			assert.NoError(t, tr.Lost())
			tr.Do(tr.Abort)
			continue
		}
		var failed *secure.HandshakeError
		assert.ErrorAs(t, tr.Lost(), &failed)
		assert.ErrorIs(t, tr.Lost(), secure.ErrHandshakeTimeout)
		assert.EqualError(t, tr.Lost(), "secure: handshake: took too long")
		assert.Zero(t, tr.Timers())
	}
	server := &session{}
	tr, _, conn := foreignClient(t, over(serverSide, server), clientTLS)
	tr.Advance(time.Hour)
	assert.Equal(t, "made, secured", server.take(), "it is over with the handshake")
	assert.Zero(t, tr.Timers())
	conn.Close()
	tr.EOF()
}

// Whoever ends the connection in the handshake: it ends, once, and leaves nothing.
func TestEndsInTheHandshake(t *testing.T) {
	hello := helloOf(t, clientTLS)
	ends := map[string]func(tr *protocoltest.Transport){
		"Abort":          func(tr *protocoltest.Transport) { tr.Do(tr.Abort) },
		"LoseConnection": func(tr *protocoltest.Transport) { tr.Do(tr.LoseConnection) },
		"Shutdown":       func(tr *protocoltest.Transport) { tr.Shutdown() },
	}
	for name, end := range ends {
		for _, received := range []string{"", hello[:20], hello} {
			t.Run(fmt.Sprint(name, " after ", len(received)), func(t *testing.T) {
				noGoroutines(t)
				tr := protocoltest.Connect(over(serverSide, &session{}))
				tr.Receive(received)
				end(tr)
				assert.Error(t, tr.Lost())
				assert.Zero(t, tr.Timers())
			})
		}
	}
}

// After StartTLS what the session itself asks for is remembered until the handshake is
// done, or over.
func TestEndsAfterStartTLS(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(s *session)
		server string // what it hears when the handshake gets done
		client string
		reason error // if it gets nowhere
	}{
		"Abort": {func(s *session) { s.Abort() }, "made, lost", "made, lost", protocol.ErrConnectionAborted},
		"LoseConnection": {func(s *session) { s.LoseConnection() },
			"made, lost", "made, secured, data owed, eof, lost", secure.ErrHandshakeTimeout},
		"CloseWrite": {func(s *session) { s.CloseWrite() },
			"made, secured, eof, lost", "made, secured, data owed, eof, lost", secure.ErrHandshakeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			noGoroutines(t)
			server := &session{}
			begin := func() protocol.Protocol {
				*server = session{made: func() {
					assert.NoError(t, server.startTLS())
					server.say("owed")
					c.end(server)
				}}
				return offering(serverSide, server)
			}
			client := &session{}
			client.made = func() { assert.NoError(t, client.startTLS()) }
			protocoltest.NewPump(offering(clientSide, client), begin()).Flush()
			assert.Equal(t, c.server, server.take())
			assert.Equal(t, c.client, client.take())

			tr := protocoltest.Connect(begin())
			tr.Advance(10 * time.Second)
			assert.Equal(t, "made, lost", server.take())
			assert.ErrorIs(t, server.reason, c.reason)
			assert.Empty(t, tr.Take(), "nothing leaves in clear")
		})
	}
}

// A session that hears of the shutdown may say goodbye, when it can.
func TestShutdownInTheHandshake(t *testing.T) {
	server := &session{}
	server.made = func() { assert.NoError(t, server.startTLS()) }
	tr := protocoltest.Connect(offering(serverSide, server))
	tr.Shutdown()
	tr.Advance(9 * time.Second)
	assert.NoError(t, tr.Lost())
	conn := tls.Client(&wire{tr: tr}, clientTLS)
	require.NoError(t, conn.Handshake())
	_, err := read(conn)
	assert.Equal(t, io.EOF, err)
	assert.Equal(t, protocol.ErrConnectionDone, tr.Lost())
	assert.Equal(t, "made, lost", server.take())
}

// A thousand handshakes that nobody ends are a thousand stacks, until they have had
// their time.
func TestAbandonedHandshakesLeaveNothing(t *testing.T) {
	noGoroutines(t)
	n := serving(t, serverSide.Wrap(&sessions{}))
	hello := helloOf(t, clientTLS)
	for i := range 1000 {
		p := &session{}
		p.made = func() { p.say(hello[:i%len(hello)]) }
		n.Connect("tcp", address, of(p))
	}
	n.Settle()
	assert.GreaterOrEqual(t, runtime.NumGoroutine(), 1000)
	n.Advance(10 * time.Second)
	n.Stop()
	n.Settle()
}
