package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
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
	"github.com/torsion-go/torsion/reactortest"
)

// A factory that builds from what the handshake came to is asked for that, and knows
// the name that was asked for, the application protocol and who the peer is.
type chooser struct {
	factory.Factory // not asked
	session
	peer  net.Addr
	state tls.ConnectionState
}

func (c *chooser) BuildSecured(peer net.Addr, state tls.ConnectionState) protocol.Protocol {
	c.peer, c.state = peer, state
	return &c.session
}

// policies are factories around factories, none of which may be passed by.
var policies = map[string]func(f factory.Factory) factory.Factory{
	"none":       func(f factory.Factory) factory.Factory { return f },
	"Idle":       factory.Idle{Timeout: time.Minute}.Around,
	"Limit":      (&factory.Limit{}).Around,
	"Throttle":   (&factory.Throttle{}).Around,
	"TrafficLog": new(factory.TrafficLog).Around,
	"Recording":  (&factory.Recording{Open: func(net.Addr) (io.WriteCloser, error) { return nil, io.EOF }}).Around,
	"Reconnecting": func(f factory.Factory) factory.Factory {
		return (&factory.Reconnecting{Clock: reactortest.NewMemory(reactortest.Config{})}).Around(f)
	},
}

func TestFactoryBuildsFromTheState(t *testing.T) {
	for name, around := range policies {
		t.Run(name, func(t *testing.T) {
			f := &chooser{}
			n := serving(t, secure.Config{Server: with(serverTLS, func(c *tls.Config) { c.NextProtos = []string{"a", "b"} })}.Wrap(around(f)))
			n.connect(secure.Config{Client: with(clientTLS, func(c *tls.Config) { c.NextProtos = []string{"b"} })}.Wrap(of(&session{})))
			assert.Equal(t, "made, secured", f.take())
			assert.Equal(t, "torsion.test", f.state.ServerName)
			assert.Equal(t, "b", f.state.NegotiatedProtocol)
			assert.Equal(t, f.RemoteAddr(), f.peer)
			n.Advance(2 * time.Minute)
			assert.Equal(t, name == "Idle", f.reason == factory.ErrIdle, "%v", f.reason)
		})
	}
}

// A limit inside is for those that got through the handshake.
func TestLimitInside(t *testing.T) {
	f := &sessions{}
	n := serving(t, serverSide.Wrap((&factory.Limit{Total: 1}).Around(f)))
	n.connect(deafs)
	first, second := &session{}, &session{}
	n.connect(clientSide.Wrap(of(first)))
	n.connect(clientSide.Wrap(of(second)))
	assert.Equal(t, "made, secured", first.take())
	assert.Equal(t, "made, secured, eof, lost", second.take())
	assert.Len(t, f.built, 1)
}

// A limit outside counts those that stall in the handshake.
func TestLimitOutsideCountsStalledHandshakes(t *testing.T) {
	noGoroutines(t)
	f := &sessions{}
	n := serving(t, (&factory.Limit{Total: 2}).Around(serverSide.Wrap(f)))
	for range 2 {
		n.connect(deafs)
	}
	d := &dialer{session: &session{}}
	n.connect(clientSide.Wrap(d))
	assert.Equal(t, "connecting, failed", d.take())
	assert.Empty(t, f.built)
	n.Advance(15 * time.Second) // the handshakes' timeout, and the peers' slowness to close
	n.connect(clientSide.Wrap(d))
	assert.Equal(t, "connecting, build", d.take())
	assert.Len(t, f.built, 1)
	n.Stop()
	n.Stop()
	n.Settle()
}

// An idle timeout inside begins with the handshake's end, one outside with the
// connection; either says close_notify.
func TestIdleSaysGoodbye(t *testing.T) {
	idle := factory.Idle{Timeout: 5 * time.Second}
	for name, around := range map[string]func(f factory.Factory) factory.Factory{
		"inside":  func(f factory.Factory) factory.Factory { return serverSide.Wrap(idle.Around(f)) },
		"outside": func(f factory.Factory) factory.Factory { return idle.Around(serverSide.Wrap(f)) },
	} {
		t.Run(name, func(t *testing.T) {
			server, client := &session{}, &session{}
			n := serving(t, around(of(server)))
			n.connect(clientSide.Wrap(of(client)))
			for range 3 {
				n.Advance(4 * time.Second)
				n.do(func() { client.say("x") })
			}
			assert.Equal(t, "made, secured, data xxx", server.take())
			n.Advance(5 * time.Second)
			assert.Equal(t, factory.ErrIdle, server.reason)
			assert.Equal(t, "made, secured, eof, lost", client.take())
			assert.Equal(t, protocol.ErrConnectionDone, client.reason)
		})
	}
	n := serving(t, idle.Around(serverSide.Wrap(of(&session{}))))
	d := &dialer{}
	n.connect(d)
	silent := &session{}
	n.connect(of(silent))
	n.Advance(5 * time.Second)
	assert.Equal(t, "made, eof, lost", silent.take(), "in the handshake there is nothing to say")
}

// Whoever's factory builds nothing, the connection is closed with ErrRefused there,
// and cleanly for the other side.
func TestRefusals(t *testing.T) {
	accepting := &session{}
	n := serving(t, serverSide.Wrap(of(accepting)))
	d := &dialer{}
	n.connect(clientSide.Wrap(d))
	assert.Equal(t, "connecting, build, failed", d.take())
	assert.Equal(t, protocol.ErrRefused, d.err)
	assert.Equal(t, "made, secured, eof, lost", accepting.take())
	assert.Equal(t, protocol.ErrConnectionDone, accepting.reason)

	n = serving(t, serverSide.Wrap(&dialer{}))
	client := &session{}
	n.connect(clientSide.Wrap(of(client)))
	assert.Equal(t, "made, secured, eof, lost", client.take())
	assert.Equal(t, protocol.ErrConnectionDone, client.reason)

	tr := protocoltest.Connect(serverSide.Wrap(&dialer{}).BuildProtocol(peer))
	assert.NoError(t, tls.Client(&wire{tr: tr}, clientTLS).Handshake())
	tr.EOF()
	assert.Equal(t, protocol.ErrRefused, tr.Lost())

	assert.Nil(t, serverSide.Offer(&dialer{}).BuildProtocol(peer))
}

// A client's failed handshake is a failed attempt, with a reason that says which.
func TestFailedHandshakeIsConnectFailed(t *testing.T) {
	_, strangers := configs("torsion.test")
	wrongName := with(clientTLS, func(c *tls.Config) { c.ServerName = "other.test" })
	says := func(s string) factory.Factory {
		p := &session{}
		p.made = func() { p.say(s) }
		return of(p)
	}
	hangsUp := &session{}
	hangsUp.made = func() { hangsUp.LoseConnection() }
	as := func(target any) func(t *testing.T, err error) {
		return func(t *testing.T, err error) { assert.ErrorAs(t, err, target) }
	}
	is := func(target error) func(t *testing.T, err error) {
		return func(t *testing.T, err error) { assert.ErrorIs(t, err, target) }
	}
	for name, c := range map[string]struct {
		server factory.Factory
		client *tls.Config
		check  func(t *testing.T, err error)
	}{
		"wrong name":        {serverSide.Wrap(&sessions{}), wrongName, as(new(x509.HostnameError))},
		"unknown authority": {serverSide.Wrap(&sessions{}), strangers, as(new(x509.UnknownAuthorityError))},
		"no name":           {serverSide.Wrap(&sessions{}), &tls.Config{}, func(t *testing.T, err error) { assert.ErrorContains(t, err, "ServerName") }},
		"no version in common": {secure.Config{Server: version(serverTLS, tls.VersionTLS12)}.Wrap(&sessions{}),
			version(clientTLS, tls.VersionTLS13), as(new(*net.OpError))},
		"hangs up": {of(hangsUp), clientTLS, func(t *testing.T, err error) { assert.ErrorContains(t, err, "hung up") }},
		"garbage":  {says("220 plain.test ESMTP\r\n"), clientTLS, as(new(tls.RecordHeaderError))},
		"silence":  {deafs, clientTLS, is(secure.ErrHandshakeTimeout)},
	} {
		t.Run(name, func(t *testing.T) {
			noGoroutines(t)
			n := serving(t, c.server)
			d := &dialer{session: &session{}}
			n.connect(secure.Config{Client: c.client}.Wrap(d))
			n.Advance(15 * time.Second)
			assert.Equal(t, "connecting, failed", d.take())
			var failed *secure.HandshakeError
			require.ErrorAs(t, d.err, &failed)
			assert.ErrorContains(t, failed, "secure: handshake: ")
			c.check(t, d.err)
		})
	}
}

// What reconnects stands inside, and counts failed handshakes as failed attempts.
func TestReconnectingInside(t *testing.T) {
	servers := &sessions{}
	m := reactortest.NewMemory(reactortest.Config{})
	again := &factory.Reconnecting{Clock: m, Jitter: -1, Initial: time.Second, MaxRetries: 2}
	gaveUp := error(nil)
	again.GaveUp = func(_ factory.Connector, err error) { gaveUp = err }
	d := &dialer{session: &session{}}
	n := network{m, t}
	port, err := m.Listen("tcp", address, deafs)
	require.NoError(t, err)
	c := n.connect(secure.Config{Client: clientTLS, HandshakeTimeout: time.Second}.Wrap(again.Around(d)))
	n.Advance(1500 * time.Millisecond)
	assert.Equal(t, "connecting, failed", d.take())
	require.NoError(t, port.Close())
	_, err = m.Listen("tcp", address, serverSide.Wrap(servers))
	require.NoError(t, err)
	n.Advance(time.Second)
	assert.Equal(t, "connecting, build", d.take())
	assert.Equal(t, "made, secured", d.session.take())
	n.Advance(time.Minute)
	for range 3 {
		s := servers.built[len(servers.built)-1]
		n.do(s.LoseConnection)
		n.Advance(3 * time.Second)
	}
	assert.NoError(t, gaveUp, "each connection was one")
	assert.Equal(t, strings.Repeat("disconnected, connecting, build, ", 3), d.take()+", ")
	c.Stop()
	n.Settle()
	assert.Equal(t, "disconnected", d.take())
	assert.Equal(t, protocol.ErrConnectionDone, gaveUp)
}

// Stop of a Connector in the handshake ends the attempt, and so does the end of
// everything.
func TestStopInTheHandshake(t *testing.T) {
	noGoroutines(t)
	n := serving(t, deafs)
	d := &dialer{session: &session{}}
	c := n.connect(clientSide.Wrap(d))
	c.Stop()
	n.Advance(2 * time.Second)
	assert.Equal(t, "connecting, failed", d.take())
	assert.Equal(t, protocol.ErrConnectionAborted, d.err)

	n.connect(clientSide.Wrap(d))
	n.Stop()
	n.Advance(2 * time.Second)
	assert.Equal(t, "connecting, failed", d.take())
	assert.ErrorIs(t, d.err, protocol.ErrShutdown)
}

// A protocol that wraps one of Wrap need not know how connections begin.
func TestWrapWithoutConnect(t *testing.T) {
	server, client := &session{}, &session{}
	wrapped := over(serverSide, server)
	p := protocoltest.NewPump(over(clientSide, client), struct{ protocol.Protocol }{wrapped})
	p.Flush()
	assert.Equal(t, "made, secured", server.take())
	assert.PanicsWithValue(t, protocol.Reused, func() { wrapped.ConnectionMade(&session{}) })
}

// A Config that is no side, or both, or has no certificate, is a mistake.
func TestConfigNeedsOneSide(t *testing.T) {
	for _, c := range []secure.Config{{}, {Server: serverTLS, Client: clientTLS}, {Server: &tls.Config{}}} {
		assert.Panics(t, func() { c.Wrap(of(nil)) })
		assert.Panics(t, func() { c.Offer(of(nil)) })
	}
	got := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }
	chosen := func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil }
	for _, c := range []*tls.Config{{GetCertificate: got}, {GetConfigForClient: chosen}} {
		assert.NotPanics(t, func() { secure.Config{Server: c}.Wrap(of(nil)) })
	}
	assert.ErrorIs(t, secure.ErrTruncated, io.ErrUnexpectedEOF)
	assert.False(t, errors.Is(&secure.HandshakeError{Err: io.EOF}, secure.ErrTruncated))
}
