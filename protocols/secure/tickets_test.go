package secure_test

import (
	"crypto/tls"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
)

// A wallet is a client's cache of one session, which counts the tickets it gets.
type wallet struct {
	session *tls.ClientSessionState
	got     int
}

func (w *wallet) Get(string) (*tls.ClientSessionState, bool) { return w.session, w.session != nil }

func (w *wallet) Put(_ string, s *tls.ClientSessionState) {
	if s != nil { // nil takes back one that was used in vain
		w.got++
	}
	w.session = s
}

// garble breaks the ticket.
func (w *wallet) garble(t *testing.T) {
	t.Helper()
	ticket, state, err := w.session.ResumptionState()
	require.NoError(t, err)
	ticket = append([]byte(nil), ticket...)
	ticket[len(ticket)/2] ^= 1
	w.session, err = tls.NewResumptionState(ticket, state)
	require.NoError(t, err)
}

// visit connects to a server and reports what came of it for the client.
func (w *wallet) visit(t *testing.T, s secure.Config, v uint16) (resumed bool, tickets int) {
	t.Helper()
	before := w.got
	server, client := &session{}, &session{}
	c := with(version(clientTLS, v), func(c *tls.Config) { c.ClientSessionCache = w })
	p := protocoltest.NewPump(over(secure.Config{Client: c}, client), over(s, server))
	p.Do(func() { server.say("hello"); server.LoseConnection() })
	require.Equal(t, "made, secured, data hello, eof, lost", client.take())
	assert.Equal(t, client.state.DidResume, server.state.DidResume)
	return client.state.DidResume, w.got - before
}

// fresh is a server's configuration with ticket keys of its own.
func fresh() *tls.Config { return &tls.Config{Certificates: serverTLS.Certificates} }

// Sessions are resumed, and a ticket that is broken, or another server's, costs a whole
// handshake and nothing else.
func TestResumption(t *testing.T) {
	eachVersion(t, func(t *testing.T, v uint16) {
		s, w := secure.Config{Server: fresh()}, &wallet{}
		resumed, tickets := w.visit(t, s, v)
		assert.False(t, resumed)
		assert.Equal(t, 1, tickets)
		resumed, _ = w.visit(t, s, v)
		assert.True(t, resumed)
		w.garble(t)
		resumed, _ = w.visit(t, s, v)
		assert.False(t, resumed)
		resumed, _ = w.visit(t, s, v)
		assert.True(t, resumed)
		resumed, _ = w.visit(t, secure.Config{Server: fresh()}, v)
		assert.False(t, resumed)
	})
}

// NoTickets gives out no ticket over TLS 1.3, whatever it is brought, and takes those of
// the configuration that it shares, the control connection's of FTP for example.
func TestNoTickets(t *testing.T) {
	const v13 = tls.VersionTLS13
	shared := fresh()
	control, data := secure.Config{Server: shared}, secure.Config{Server: shared, NoTickets: true}
	w := &wallet{}
	resumed, tickets := w.visit(t, data, v13)
	assert.False(t, resumed)
	assert.Zero(t, tickets, "of a client that has none")
	_, tickets = w.visit(t, control, v13)
	assert.Equal(t, 1, tickets)
	for range 2 {
		ours := w.session
		resumed, tickets = w.visit(t, data, v13)
		assert.True(t, resumed)
		assert.Zero(t, tickets)
		w.session = ours // a client may use it again
	}
	w.garble(t)
	resumed, tickets = w.visit(t, data, v13)
	assert.False(t, resumed)
	assert.Zero(t, tickets, "of a client whose ticket is broken")
	w.visit(t, control, v13)
	resumed, tickets = w.visit(t, control, v13)
	assert.True(t, resumed)
	assert.Equal(t, 1, tickets, "the shared configuration is as it was")
}

// Over TLS 1.2 tickets are part of the handshake and do no harm.
func TestNoTicketsLeavesOldVersionsAlone(t *testing.T) {
	const v12 = tls.VersionTLS12
	shared := fresh()
	control, data := secure.Config{Server: shared}, secure.Config{Server: shared, NoTickets: true}
	w := &wallet{}
	_, tickets := w.visit(t, data, v12)
	assert.Equal(t, 1, tickets)
	for _, s := range []secure.Config{control, data, control} {
		resumed, _ := w.visit(t, s, v12)
		assert.True(t, resumed)
	}
	// So they are for a client that could do more than the server.
	w = &wallet{}
	old := version(shared, v12)
	c := with(clientTLS, func(c *tls.Config) { c.ClientSessionCache = w })
	for n := range 2 {
		client := &session{}
		p := protocoltest.NewPump(over(secure.Config{Client: c}, client), over(secure.Config{Server: old, NoTickets: true}, &session{}))
		p.Flush()
		assert.Equal(t, uint16(v12), client.state.Version)
		assert.Equal(t, n == 1, client.state.DidResume)
	}
}

// Where the shared configuration chooses another for each client, tickets are what they
// are without NoTickets.
func TestNoTicketsWithChosenConfigs(t *testing.T) {
	key := [32]byte{1}
	for name, choose := range map[string]func() *tls.Config{
		"none":          func() *tls.Config { return nil },
		"always a new":  fresh,
		"always itself": func() func() *tls.Config { c := fresh(); return func() *tls.Config { return c } }(),
		"one with keys": func() *tls.Config { c := fresh(); c.SetSessionTicketKeys([][32]byte{key}); return c },
	} {
		t.Run(name, func(t *testing.T) {
			eachVersion(t, func(t *testing.T, v uint16) {
				shared := fresh()
				shared.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return choose(), nil }
				control, data := secure.Config{Server: shared}, secure.Config{Server: shared, NoTickets: true}
				w := &wallet{}
				w.visit(t, control, v)
				resumed, tickets := w.visit(t, data, v)
				assert.True(t, resumed)
				if v == tls.VersionTLS13 {
					assert.Zero(t, tickets)
				}
			})
		})
	}
	no := errors.New("no")
	refusing := fresh()
	refusing.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, no }
	tr := protocoltest.Connect(over(secure.Config{Server: refusing, NoTickets: true}, &session{}))
	assert.Error(t, tls.Client(&wire{tr: tr}, clientTLS).Handshake())
	tr.EOF()
	assert.ErrorIs(t, tr.Lost(), no)
}

// Whoever wraps sessions himself goes on doing so, and whoever has disabled tickets has.
func TestNoTicketsRespectsTheConfig(t *testing.T) {
	eachVersion(t, func(t *testing.T, v uint16) {
		shared, unwrapped := fresh(), 0
		shared.WrapSession = shared.EncryptTicket
		shared.UnwrapSession = func(id []byte, state tls.ConnectionState) (*tls.SessionState, error) {
			unwrapped++
			return shared.DecryptTicket(id, state)
		}
		w := &wallet{}
		w.visit(t, secure.Config{Server: shared}, v)
		before := unwrapped
		resumed, _ := w.visit(t, secure.Config{Server: shared, NoTickets: true}, v)
		assert.True(t, resumed)
		assert.Equal(t, before+1, unwrapped)

		off := fresh()
		off.SessionTicketsDisabled = true
		resumed, tickets := w.visit(t, secure.Config{Server: off, NoTickets: true}, v)
		assert.False(t, resumed)
		assert.Zero(t, tickets)
	})
	assert.NotPanics(t, func() { secure.Config{Client: clientTLS, NoTickets: true}.Wrap(of(nil)) }, "clients give out none")
}
