package secure_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
)

// LoseConnection says close_notify behind what was written, and CloseWrite too; both
// are the end of the stream for crypto/tls, as its own is for us.
func TestCloseNotify(t *testing.T) {
	eachVersion(t, func(t *testing.T, v uint16) {
		for name, end := range map[string]func(s *session){
			"LoseConnection": func(s *session) { s.LoseConnection() },
			"CloseWrite":     func(s *session) { s.CloseWrite() },
		} {
			server := &session{}
			tr, _, conn := foreignClient(t, over(serverSide, server), version(clientTLS, v))
			tr.Do(func() {
				server.say("last words")
				end(server)
				_, err := server.Write([]byte("x"))
				assert.Equal(t, net.ErrClosed, err)
			})
			got, err := read(conn)
			assert.Equal(t, "last words", got)
			assert.Equal(t, io.EOF, err)
			assert.True(t, tr.Closed())
			if name == "CloseWrite" {
				assert.NoError(t, server.reason)
				fmt.Fprint(conn, "an answer")
				conn.CloseWrite()
				assert.Equal(t, "made, secured, data an answer, eof, lost", server.take())
			} else {
				assert.Equal(t, "made, secured, lost", server.take())
			}
			assert.Equal(t, protocol.ErrConnectionDone, server.reason)

			server = &session{}
			_, _, conn = foreignClient(t, over(serverSide, server), version(clientTLS, v))
			fmt.Fprint(conn, "last words")
			conn.CloseWrite()
			assert.Equal(t, "made, secured, data last words, eof, lost", server.take())
			assert.Equal(t, protocol.ErrConnectionDone, server.reason)
			_, err = read(conn)
			assert.Equal(t, io.EOF, err)
		}
	})
}

// A peer that says close_notify and then is gone, whatever its system makes of our
// answer, has ended cleanly, unless it was owed more than that.
func TestPeerThatWaitsForNoAnswer(t *testing.T) {
	for _, owed := range []string{"", "an answer"} {
		server := &session{}
		tr, _, conn := foreignClient(t, over(serverSide, server), clientTLS)
		server.data = func([]byte) { server.say(owed) }
		tr.Stall(true)
		fmt.Fprint(conn, "hello")
		conn.Close()
		tr.Reset()
		assert.Equal(t, "made, secured, data hello, eof, lost", server.take())
		assert.Equal(t, owed != "", protocol.IsReset(server.reason), "%v", server.reason)
		assert.Equal(t, owed == "", server.reason == protocol.ErrConnectionDone)
	}
}

// A side that has said close_notify is still written to, if the other one keeps the
// connection, with its FIN or without.
func TestHalfClose(t *testing.T) {
	for _, fin := range []bool{true, false} {
		server := &session{keep: true}
		tr, _, conn := foreignClient(t, over(serverSide, server), clientTLS)
		fmt.Fprint(conn, "question")
		conn.CloseWrite()
		if fin {
			tr.EOF()
		}
		assert.Equal(t, "made, secured, data question, eof", server.take())
		tr.Do(func() {
			assert.False(t, server.Reading())
			server.PauseReading()
			server.ResumeReading()
			server.say(strings.Repeat("answer", 100_000))
		})
		tr.Do(func() { server.say("end"); server.CloseWrite() })
		got, err := read(conn)
		assert.Equal(t, io.EOF, err)
		assert.Len(t, got, 600_003)
		assert.Equal(t, "lost", server.take(), "both halves have ended")
		assert.Equal(t, protocol.ErrConnectionDone, server.reason)
	}
}

// An end of the stream without close_notify may be somebody else's doing. It is told
// as such, not as EOF, and what is owed is sent.
func TestTruncation(t *testing.T) {
	eachVersion(t, func(t *testing.T, v uint16) {
		for name, behind := range map[string]string{"a record": "", "a header": "\x17\x03", "half a record": "\x17\x03\x03\x01\x00x"} {
			t.Run(name, func(t *testing.T) {
				server := &session{keep: true}
				tr, _, conn := foreignClient(t, over(serverSide, server), version(clientTLS, v))
				tr.Stall(true)
				server.data = func([]byte) { server.say("owed") }
				fmt.Fprint(conn, "hello")
				tr.Receive(behind)
				tr.EOF()
				assert.Equal(t, "made, secured, data hello", server.take())
				tr.Stall(false)
				assert.Equal(t, "lost", server.take())
				assert.Equal(t, secure.ErrTruncated, server.reason)
				got, err := read(conn)
				assert.Equal(t, "owed", got)
				assert.Equal(t, io.EOF, err, "we do say it")
			})
		}
	})
}

// Whoever is closing anyway does not mind how the peer ends, unless it is still to be
// listened to.
func TestTruncationWhileClosing(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(s *session)
		reason error
	}{
		"LoseConnection": {func(s *session) { s.LoseConnection() }, protocol.ErrConnectionDone},
		"CloseWrite":     {func(s *session) { s.CloseWrite() }, secure.ErrTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			server := &session{}
			tr, _, _ := foreignClient(t, over(serverSide, server), clientTLS)
			tr.Stall(true)
			tr.Do(func() { server.say("owed"); c.end(server) })
			tr.EOF()
			tr.Stall(false)
			assert.Equal(t, "made, secured, lost", server.take())
			assert.Equal(t, c.reason, server.reason)
		})
	}
}

// So it is where the close has not gone below yet, since the end of the event in which
// it was asked for is put off.
func TestTruncationWhileTheCloseIsPutOff(t *testing.T) {
	f := &sessions{}
	n := serving(t, serverSide.Wrap(f))
	first, second := &session{}, &session{}
	n.connect(clientSide.Wrap(of(first)))
	var below protocol.Transport
	n.connect(tapping{clientSide.Wrap(of(second)), &below})
	for range 3 {
		n.connect(clientSide.Wrap(of(&session{})))
	}
	f.built[0].data = func([]byte) {
		for _, s := range f.built[1:] {
			s.say("goodbye")
		}
		f.built[1].LoseConnection()
	}
	n.do(func() { first.say("now"); below.CloseWrite() })
	assert.Equal(t, "made, secured, data goodbye, eof, lost", second.take())
	assert.Equal(t, "made, secured, lost", f.built[1].take())
	assert.Equal(t, protocol.ErrConnectionDone, f.built[1].reason)
}

// tapping is a factory whose connection's transport is noted.
type tapping struct {
	factory.Factory
	below *protocol.Transport
}

func (t tapping) BuildProtocol(peer net.Addr) protocol.Protocol {
	return &tapped{t.Factory.BuildProtocol(peer), t.below}
}

type tapped struct {
	protocol.Protocol
	below *protocol.Transport
}

func (t *tapped) Inner() any { return t.Protocol }

func (t *tapped) ConnectionMade(tr protocol.Transport) {
	*t.below = tr
	protocol.Connect(t.Protocol, tr)
}

// Somebody below who closes has closed: what is written then goes nowhere, and is not
// the reason.
func TestClosedBelow(t *testing.T) {
	server := &session{}
	tr, _, conn := foreignClient(t, over(serverSide, server), clientTLS)
	tr.Stall(true)
	tr.Do(func() { server.say("owed"); tr.LoseConnection() })
	tr.Do(func() { server.say("too late"); server.LoseConnection() })
	tr.Stall(false)
	assert.Equal(t, protocol.ErrConnectionDone, server.reason)
	got, _ := read(conn)
	assert.NotContains(t, got, "late")
}

// An Abort says nothing more, and neither does what panics.
func TestAbort(t *testing.T) {
	quietly(t)
	for name, end := range map[string]func(s *session){
		"Abort": func(s *session) { s.say("dropped"); s.Abort() },
		"panic": func(s *session) { s.say("dropped"); panic("no") },
	} {
		for _, event := range []string{"made", "secured", "data"} {
			t.Run(name+" when "+event, func(t *testing.T) {
				noGoroutines(t)
				server := &session{}
				heard := "made, lost"
				do := func() { end(server) }
				switch event {
				case "made":
					server.made = do
				case "secured":
					server.secured, heard = func(tls.ConnectionState) { do() }, "made, secured, lost"
				case "data":
					server.data, heard = func([]byte) { do() }, "made, secured, data hello, lost"
				}
				w := &wire{tr: protocoltest.Connect(over(serverSide, server))}
				conn := tls.Client(w, clientTLS)
				require.NoError(t, conn.Handshake())
				fmt.Fprint(conn, "hello")
				assert.Equal(t, heard, server.take())
				if name == "Abort" {
					assert.Equal(t, protocol.ErrConnectionAborted, server.reason)
				} else {
					var panicked *protocol.PanicError
					assert.ErrorAs(t, server.reason, &panicked)
				}
				got, _ := read(conn)
				assert.Empty(t, got)
				assert.Zero(t, w.tr.Timers())
			})
		}
	}
}

// quietly has panics that are wanted not logged.
func quietly(t *testing.T) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(before) })
}

// What the peer says behind a pause, its end included, is heard behind it, and who is
// told that he may read on is told before.
func TestEndBehindAPause(t *testing.T) {
	server := &session{}
	server.data = func(data []byte) {
		if strings.HasSuffix(string(data), "pause") {
			server.PauseReading()
		}
	}
	tr, w, conn := foreignClient(t, over(serverSide, server), clientTLS)
	var all string
	w.sent = func(p []byte) []byte { all += string(p); return nil }
	fmt.Fprint(conn, "pause")
	fmt.Fprint(conn, "pause")
	fmt.Fprint(conn, "end")
	conn.CloseWrite()
	tr.Receive(all)
	tr.EOF()
	assert.Equal(t, "made, secured, data pause", server.take())
	tr.Advance(time.Minute)
	tr.Do(server.ResumeReading)
	assert.Equal(t, "resumed, data pause", server.take())
	tr.Do(server.ResumeReading)
	assert.Equal(t, "resumed, data end, eof, lost", server.take())
	assert.Equal(t, protocol.ErrConnectionDone, server.reason)
}

// A peer that answers no close is waited for as on any connection.
func TestPeerThatDoesNotAnswerTheClose(t *testing.T) {
	server := &session{}
	tr, _, _ := foreignClient(t, over(serverSide, server), clientTLS)
	tr.Stall(true)
	tr.Do(func() { server.say("owed"); server.LoseConnection() })
	tr.Advance(29 * time.Second)
	assert.NoError(t, server.reason)
	tr.Advance(time.Second)
	assert.Equal(t, protocol.ErrCloseTimeout, server.reason)
}
