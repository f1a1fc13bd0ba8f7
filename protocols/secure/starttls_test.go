package secure_test

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
)

// A server that offers TLS by a command.
type mailer struct {
	line.Base
	heard  []string
	err    error // of StartTLS
	reason error
	held   int // bytes that it says it holds itself
}

func (m *mailer) LineReceived(l []byte) {
	m.heard = append(m.heard, string(l))
	switch string(l) {
	case "STARTTLS":
		m.SendLine("220 Go ahead")
		m.err = m.startTLS()
		m.SendLine("hello")
	case "PAUSE":
		m.PauseReading()
	}
}

func (m *mailer) startTLS() error {
	t, _ := protocol.As[protocol.TLSStarter](m.Conn)
	return t.StartTLS()
}

func (m *mailer) DropInput() int                { return m.held }
func (m *mailer) ConnectionLost(reason error)   { m.reason = reason }
func (m *mailer) Secured(_ tls.ConnectionState) { m.heard = append(m.heard, "secured") }

func (m *mailer) protocol() protocol.Protocol { return offering(serverSide, line.New(m)) }

// The reply that allows TLS leaves in clear, what is written afterwards does not, and
// what comes then is heard.
func TestStartTLSBehindTheReply(t *testing.T) {
	for name := range protocoltest.Cuts("") {
		m := &mailer{}
		tr := protocoltest.Connect(m.protocol())
		for n, pieces := range protocoltest.Cuts("EHLO\r\nSTARTTLS\r\n") {
			if n == name {
				for _, p := range pieces {
					tr.Receive(p)
				}
			}
		}
		assert.NoError(t, m.err)
		assert.Equal(t, "220 Go ahead\r\n", tr.Take())
		conn := tls.Client(&wire{tr: tr}, clientTLS)
		require.NoError(t, conn.Handshake())
		got, err := read(conn)
		assert.NoError(t, err)
		assert.Equal(t, "hello\r\n", got)
		conn.Write([]byte("EHLO\r\nQUIT\r\n"))
		assert.Equal(t, []string{"EHLO", "STARTTLS", "secured", "EHLO", "QUIT"}, m.heard)
	}
}

// Input in clear behind the command ends the connection, wherever it is held, and
// nothing of it is heard.
func TestInjectedPlaintext(t *testing.T) {
	pause := func(tr *protocoltest.Transport, m *mailer) {
		tr.Receive("PAUSE\r\nQUIT\r\n")
		tr.Do(func() {
			m.err = m.startTLS()
			m.ResumeReading()
		})
	}
	for name, do := range map[string]func(tr *protocoltest.Transport, m *mailer){
		"a line":              func(tr *protocoltest.Transport, _ *mailer) { tr.Receive("STARTTLS\r\nQUIT\r\n") },
		"the beginning":       func(tr *protocoltest.Transport, _ *mailer) { tr.Receive("STARTTLS\r\nQ") },
		"a lone CR":           func(tr *protocoltest.Transport, _ *mailer) { tr.Receive("STARTTLS\r\n\r") },
		"a ClientHello":       func(tr *protocoltest.Transport, _ *mailer) { tr.Receive("STARTTLS\r\n" + helloOf(t, clientTLS)) },
		"held while paused":   pause,
		"held by the session": func(tr *protocoltest.Transport, m *mailer) { m.held = 1; tr.Receive("STARTTLS\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			m := &mailer{}
			tr := protocoltest.Connect(m.protocol())
			do(tr, m)
			assert.Equal(t, secure.ErrPlaintextInjected, m.err)
			assert.Equal(t, secure.ErrPlaintextInjected, m.reason)
			assert.Len(t, m.heard, 1)
			assert.Empty(t, tr.Take(), "the reply neither")
			assert.True(t, tr.Closed())
		})
	}
}

// What comes when TLS has been started, but before the end of the event in which it
// was, is the handshake's: here that end is put off, since much was written to others.
func TestStartTLSFromAnothersEvent(t *testing.T) {
	f := &sessions{}
	n := serving(t, serverSide.Offer(f))
	first, second := &session{}, &session{}
	n.connect(of(first))
	n.connect(clientSide.Offer(of(second)))
	for range 3 {
		n.connect(of(&session{}))
	}
	f.built[0].data = func([]byte) {
		for _, other := range f.built[2:] {
			other.say("hello")
		}
		assert.NoError(t, f.built[1].startTLS())
	}
	n.do(func() {
		first.say("now")
		assert.NoError(t, second.startTLS())
	})
	assert.Equal(t, "made, secured", f.built[1].take())
	assert.Equal(t, "made, secured", second.take())
}

// TLS starts once, and not on a connection that is closing or over.
func TestStartTLSOnlyOnce(t *testing.T) {
	s := &session{}
	s.made = func() {
		assert.NoError(t, s.startTLS())
		assert.Equal(t, secure.ErrStarted, s.startTLS())
	}
	s.lost = func() { assert.Equal(t, secure.ErrStarted, s.startTLS()) }
	p := protocoltest.NewPump(over(clientSide, &session{}), offering(serverSide, s))
	p.Do(func() { assert.Equal(t, secure.ErrStarted, s.startTLS()) })
	p.Do(s.LoseConnection)
	assert.Equal(t, "made, secured, lost", s.take())
	s = &session{}
	p = protocoltest.NewPump(&session{}, over(serverSide, s))
	p.Do(p.Client.LoseConnection)

	for name, end := range map[string]func(s *session){
		"LoseConnection": func(s *session) { s.LoseConnection() },
		"CloseWrite":     func(s *session) { s.CloseWrite() },
		"Abort":          func(s *session) { s.Abort() },
		"LoseConnection behind a producer": func(s *session) {
			r, _ := protocol.As[protocol.ProducerRegistry](s.Transport)
			assert.NoError(t, r.RegisterProducer(&source{}, true))
			s.LoseConnection()
		},
		"nothing": func(*session) {},
	} {
		t.Run(name, func(t *testing.T) {
			s := &session{}
			tr := protocoltest.Connect(offering(serverSide, s))
			tr.Do(func() {
				if end(s); name != "nothing" {
					assert.Equal(t, net.ErrClosed, s.startTLS())
				}
			})
			tr.Reset()
			tr.Do(func() { assert.Equal(t, net.ErrClosed, s.startTLS()) })
			assert.Equal(t, "made, lost", s.take())
			_, ok := s.tls()
			assert.False(t, ok)
		})
	}
}

// Where nobody can start TLS, a layer says so.
func TestStartTLSWithoutOffer(t *testing.T) {
	type plain struct{ protocol.Layer }
	s := &session{}
	tr := protocoltest.Connect(protocol.Stack(&plain{}, s))
	tr.Do(func() { assert.Equal(t, errors.ErrUnsupported, s.startTLS()) })
	_, ok := protocol.As[protocol.TLSStarter](tr.Transport)
	assert.False(t, ok)
}

// A handshake that fails ends the connection. Nothing goes on in clear, in either
// direction, not even what was waiting.
func TestFailedStartTLS(t *testing.T) {
	for name, do := range map[string]func(tr *protocoltest.Transport){
		"a plain command": func(tr *protocoltest.Transport) { tr.Receive("MAIL FROM:<a@b>\r\n") },
		"the end":         func(tr *protocoltest.Transport) { tr.EOF() },
		"silence":         func(tr *protocoltest.Transport) { tr.Advance(time.Minute) },
		"a foreign alert": func(tr *protocoltest.Transport) { tr.Receive("\x15\x03\x01\x00\x02\x02\x28") },
	} {
		t.Run(name, func(t *testing.T) {
			noGoroutines(t)
			m := &mailer{}
			tr := protocoltest.Connect(m.protocol())
			tr.Receive("STARTTLS\r\n")
			tr.Do(func() { m.SendLine("secret") })
			tr.Stall(true) // so that it does not end at once
			do(tr)
			tr.Do(func() {
				_, err := m.Write([]byte("secret"))
				assert.Equal(t, net.ErrClosed, err)
			})
			tr.Receive("QUIT\r\n")
			tr.Stall(false)
			got := tr.Take()
			assert.True(t, strings.HasPrefix(got, "220 Go ahead\r\n"))
			assert.NotContains(t, got, "secret")
			assert.NotContains(t, got, "hello")
			var failed *secure.HandshakeError
			assert.ErrorAs(t, m.reason, &failed)
			assert.Equal(t, []string{"STARTTLS"}, m.heard)
			assert.True(t, tr.Closed())
		})
	}
}

// Clients start TLS as servers do.
func TestClientStartsTLS(t *testing.T) {
	eachVersion(t, func(t *testing.T, v uint16) {
		server, client := &session{}, &session{}
		server.data = func(data []byte) {
			if string(data) == "STARTTLS" {
				server.say("220")
				assert.NoError(t, server.startTLS())
				server.say("welcome")
			}
		}
		client.data = func(data []byte) {
			if string(data) == "220" {
				assert.NoError(t, client.startTLS())
				client.say("hello")
			}
		}
		client.made = func() { client.say("STARTTLS") }
		c := secure.Config{Client: version(clientTLS, v)}
		p := protocoltest.NewPump(offering(c, client), offering(serverSide, server))
		p.Flush()
		assert.Equal(t, "made, data STARTTLS, secured, data hello", server.take())
		assert.Equal(t, "made, data 220, secured, data welcome", client.take())
		assert.Equal(t, v, client.state.Version)
	})
}

// During the handshake all that a transport can do is legal, and comes to effect when
// the handshake is done.
func TestTransportDuringTheHandshake(t *testing.T) {
	s := &session{}
	tr := protocoltest.Connect(offering(serverSide, s))
	var drained []error
	push := &source{}
	var remote *protocol.Remote
	tr.Do(func() {
		s.PauseReading()
		s.say("clear")
		assert.NoError(t, s.startTLS())
		s.say("0123456789")
		assert.Equal(t, 15, s.Buffered())
		n, _ := protocol.As[protocol.Notifier](s.Transport)
		n.Drained(func(err error) { drained = append(drained, err) })
		r, _ := protocol.As[protocol.ProducerRegistry](s.Transport)
		assert.NoError(t, r.RegisterProducer(push, true))
		remote = protocol.NewRemote(s.Transport)
	})
	assert.Equal(t, "clear", tr.Take())
	remote.Write([]byte("remote"))
	tr.Do(func() {
		assert.Equal(t, 16, s.Buffered())
		s.Write(make([]byte, 300<<10))
		assert.Empty(t, push.take())
	})
	assert.Equal(t, "pause", push.take())
	assert.Empty(t, drained)
	assert.Empty(t, tr.Take())

	conn := tls.Client(&wire{tr: tr}, clientTLS)
	require.NoError(t, conn.Handshake())
	conn.Write([]byte("input"))
	got, err := read(conn)
	assert.NoError(t, err)
	assert.Equal(t, "0123456789remote", got[:16])
	assert.Len(t, got, 16+300<<10)
	assert.Equal(t, []error{nil}, drained)
	assert.Equal(t, "resume", push.take())
	assert.Equal(t, "made, secured", s.take(), "it is paused")
	tr.Do(func() { assert.Zero(t, s.Buffered()); s.ResumeReading() })
	assert.Equal(t, "resumed, data input", s.take())

	tr.Do(s.LoseConnection)
	_, err = read(conn)
	assert.NoError(t, err, "the producer has more to say")
	tr.Do(func() {
		s.say("more")
		r, _ := protocol.As[protocol.ProducerRegistry](s.Transport)
		r.UnregisterProducer()
	})
	got, err = read(conn)
	assert.Error(t, err)
	assert.Equal(t, "more", got)
	assert.Equal(t, protocol.ErrConnectionDone, s.reason)
}

// A source is a producer that notes what it is told.
type source struct{ session }

func (s *source) ResumeProducing() { s.note("resume") }
func (s *source) PauseProducing()  { s.note("pause") }
func (s *source) StopProducing()   { s.note("stop") }

// TLS may be started inside TLS, and each layer answers for itself.
func TestTLSInsideTLS(t *testing.T) {
	server, client := &session{}, &session{}
	both := func(c secure.Config, s *session) protocol.Protocol {
		s.made = func() {
			_, ok := s.tls()
			assert.True(t, ok, "the outer one")
			assert.NoError(t, s.startTLS())
			s.say("hello")
		}
		return c.Wrap(c.Offer(of(s))).BuildProtocol(peer)
	}
	p := protocoltest.NewPump(both(clientSide, client), both(serverSide, server))
	p.MaxPiece(100)
	p.Flush()
	assert.Equal(t, "made, secured, secured, data hello", server.take())
	assert.Equal(t, "made, secured, secured, data hello", client.take())
	p.Do(client.LoseConnection)
	assert.Equal(t, "eof, lost", server.take())
	assert.Equal(t, protocol.ErrConnectionDone, server.reason)
}

// Where TLS is offered and not started there is a connection as any other.
func TestOfferInClear(t *testing.T) {
	s := &session{keep: true}
	s.data = func(data []byte) { s.Write(data); s.PauseReading() }
	tr := protocoltest.Connect(offering(serverSide, s))
	tr.Receive("one")
	tr.Receive("two")
	assert.Equal(t, "one", tr.Take())
	tr.Do(s.ResumeReading)
	tr.Do(s.ResumeReading)
	assert.Equal(t, "two", tr.Take())
	tr.EOF()
	tr.Do(func() { _, ok := s.tls(); assert.False(t, ok) })
	assert.Equal(t, "made, data one, resumed, data two, resumed, eof", s.take())
	tr.Do(func() { s.say("bye"); s.LoseConnection() })
	assert.Equal(t, "bye", tr.Take())
	assert.Equal(t, protocol.ErrConnectionDone, s.reason)
	assert.Nil(t, serverSide.Offer(&dialer{}).BuildProtocol(peer), "nor is one where nothing is built")
}

// No handshake is begun for who aborts when it is asked for its last words in clear.
func TestStartTLSMayBeAborted(t *testing.T) {
	var log strings.Builder
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	s := &quitting{}
	s.made = func() { assert.NoError(t, s.startTLS()); s.say("hello") }
	tr := protocoltest.Connect(offering(serverSide, s))
	assert.Equal(t, protocol.ErrConnectionAborted, tr.Lost())
	assert.Empty(t, log.String(), "no panic, which builds with checks make of a timer that is set too late")
}

type quitting struct{ session }

func (q *quitting) Flush() { q.Abort() }

// Who reads on while the handshake ends hears so before what came with its end.
func TestResumedBeforeInput(t *testing.T) {
	server, client := &session{}, &session{}
	server.made = func() { server.PauseReading(); assert.NoError(t, server.startTLS()) }
	client.made = func() { assert.NoError(t, client.startTLS()); client.say("hello") }
	flights := 0
	p := protocoltest.NewPump(offering(clientSide, client), &before{offering(serverSide, server), func() {
		if flights++; flights == 2 {
			server.ResumeReading()
		}
	}})
	p.Flush()
	assert.Equal(t, "made, secured, resumed, data hello", server.take())
}

// A before has something happen before each input.
type before struct {
	protocol.Protocol
	f func()
}

func (b *before) Inner() any { return b.Protocol }

func (b *before) DataReceived(data []byte) {
	b.f()
	b.Protocol.DataReceived(data)
}
