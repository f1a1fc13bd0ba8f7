package interop

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
)

// versions are those that are spoken, by their options for openssl.
var versions = map[string]uint16{"-tls1_2": tls.VersionTLS12, "-tls1_3": tls.VersionTLS13}

// names are what openssl says for those options.
var names = map[string]string{"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}

// sClient starts openssl s_client to a server of whom id is trusted, whatever
// further options say.
func sClient(t *testing.T, s *server, id identity, options ...string) *program {
	t.Helper()
	need(t, "openssl", "version")
	args := []string{"s_client", "-connect", s.addr(), "-CAfile", id.certFile, "-verify_return_error"}
	return start(t, "openssl", append(args, options...)...)
}

// answers has a peer get its own words back.
func answers(p *program, text string) {
	p.t.Helper()
	p.Say(text)
	p.Expect(text + "\n")
}

// Both versions of TLS are spoken with openssl, which trusts what it was told to,
// and says close_notify when it leaves.
func TestSClient(t *testing.T) {
	id := identify(t, "torsion.test")
	f, secured := echoes()
	s := listen(t, id.config().Wrap(f))
	for option, version := range versions {
		t.Run(names[option], func(t *testing.T) {
			p := sClient(t, s, id, option, "-servername", "torsion.test", "-verify_hostname", "torsion.test")
			p.Expect("New, " + names[option])
			p.Expect("Verify return code: 0 (ok)")
			answers(p, "hello")
			state := receive(t, secured)
			assert.Equal(t, version, state.Version)
			assert.Equal(t, "torsion.test", state.ServerName)
			p.Say("Q")
			assert.Zero(t, p.Ends())
			assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)
		})
	}
}

// A version that is too old is refused with an alert.
func TestSClientTooOld(t *testing.T) {
	id := identify(t, "torsion.test")
	f, _ := echoes()
	s := listen(t, secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{id.Certificate}, MinVersion: tls.VersionTLS13}}.Wrap(f))
	p := sClient(t, s, id, "-tls1_2")
	p.Expect("alert protocol version")
	assert.NotZero(t, p.Ends())
	var failed *secure.HandshakeError
	assert.ErrorAs(t, s.Lost(t), &failed)
}

// A client that was killed has said no close_notify.
func TestSClientKilled(t *testing.T) {
	id := identify(t, "torsion.test")
	f, _ := echoes()
	s := listen(t, id.config().Wrap(f))
	p := sClient(t, s, id)
	answers(p, "hello")
	require.NoError(t, p.cmd.Process.Kill())
	assert.ErrorIs(t, s.Lost(t), secure.ErrTruncated)
}

// The name that is asked for chooses the certificate.
func TestSClientNames(t *testing.T) {
	one, two := identify(t, "one.test"), identify(t, "two.test")
	f, secured := echoes()
	s := listen(t, secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{one.Certificate, two.Certificate}}}.Wrap(f))
	for host, id := range map[string]identity{"one.test": one, "two.test": two} {
		p := sClient(t, s, id, "-servername", host, "-verify_hostname", host)
		answers(p, "hello")
		assert.Equal(t, host, receive(t, secured).ServerName)
	}
}

// Both sides take the first application protocol of ours that the other has too,
// and where there is none there is no connection.
func TestSClientALPN(t *testing.T) {
	id := identify(t, "torsion.test")
	f, secured := echoes()
	config := &tls.Config{Certificates: []tls.Certificate{id.Certificate}, NextProtos: []string{"chat", "echo"}}
	s := listen(t, secure.Config{Server: config}.Wrap(f))
	p := sClient(t, s, id, "-alpn", "http/1.1,echo")
	p.Expect("ALPN protocol: echo")
	answers(p, "hello")
	assert.Equal(t, "echo", receive(t, secured).NegotiatedProtocol)
	p = sClient(t, s, id, "-alpn", "http/1.1")
	p.Expect("alert no application protocol")
	assert.NotZero(t, p.Ends())
	var failed *secure.HandshakeError
	assert.ErrorAs(t, s.Lost(t), &failed)
}

// Who has to show a certificate gets in with it, and without it hears why not.
func TestSClientCertificate(t *testing.T) {
	id, client := identify(t, "torsion.test"), identify(t, "client.test")
	f, secured := echoes()
	config := &tls.Config{
		Certificates: []tls.Certificate{id.Certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool(client),
	}
	s := listen(t, secure.Config{Server: config}.Wrap(f))
	for option, alert := range map[string]string{"-tls1_2": "alert handshake failure", "-tls1_3": "alert certificate required"} {
		t.Run(names[option], func(t *testing.T) {
			p := sClient(t, s, id, option, "-cert", client.certFile, "-key", client.keyFile)
			answers(p, "hello")
			assert.Equal(t, "client.test", receive(t, secured).PeerCertificates[0].Subject.CommonName)
			p.Say("Q")
			assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)

			p = sClient(t, s, id, option)
			p.Expect(alert)
			p.Ends()
			var failed *secure.HandshakeError
			assert.ErrorAs(t, s.Lost(t), &failed)
		})
	}
}

// A client whose certificate nobody vouches for hears that.
func TestSClientStranger(t *testing.T) {
	id, client, stranger := identify(t, "torsion.test"), identify(t, "client.test"), identify(t, "stranger.test")
	f, _ := echoes()
	config := &tls.Config{
		Certificates: []tls.Certificate{id.Certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool(client),
	}
	s := listen(t, secure.Config{Server: config}.Wrap(f))
	p := sClient(t, s, id, "-cert", stranger.certFile, "-key", stranger.keyFile)
	p.Expect("alert unknown ca")
	var unknown x509.UnknownAuthorityError
	assert.ErrorAs(t, s.Lost(t), &unknown)
}

// A session goes on in a later connection, with the ticket that openssl keeps in
// a file.
func TestSClientResumes(t *testing.T) {
	id := identify(t, "torsion.test")
	f, secured := echoes()
	s := listen(t, id.config().Wrap(f))
	for option := range versions {
		t.Run(names[option], func(t *testing.T) {
			ticket := filepath.Join(t.TempDir(), "ticket")
			p := sClient(t, s, id, option, "-sess_out", ticket)
			answers(p, "hello")
			assert.False(t, receive(t, secured).DidResume)
			p.Say("Q")
			assert.Zero(t, p.Ends())

			p = sClient(t, s, id, option, "-sess_in", ticket)
			p.Expect("Reused, " + names[option])
			answers(p, "hello again")
			assert.True(t, receive(t, secured).DidResume)
		})
	}
}

// A server without tickets resumes the sessions of one that has the same
// configuration and gives them out.
func TestSClientResumesWithoutTickets(t *testing.T) {
	id := identify(t, "torsion.test")
	f, secured := echoes()
	config := &tls.Config{Certificates: []tls.Certificate{id.Certificate}}
	control := listen(t, secure.Config{Server: config}.Wrap(f))
	data := listen(t, secure.Config{Server: config, NoTickets: true}.Wrap(f))
	const arrived = "Post-Handshake New Session Ticket arrived"
	ticket := filepath.Join(t.TempDir(), "ticket")
	p := sClient(t, control, id, "-tls1_3", "-sess_out", ticket)
	answers(p, "hello")
	p.Say("Q")
	assert.Zero(t, p.Ends())
	assert.False(t, receive(t, secured).DidResume)
	assert.Contains(t, p.Said(), arrived)
	for _, options := range [][]string{{"-sess_in", ticket}, {"-noservername"}} {
		p = sClient(t, data, id, append(options, "-tls1_3")...)
		answers(p, "hello")
		p.Say("Q")
		assert.Zero(t, p.Ends())
		assert.Equal(t, options[0] == "-sess_in", receive(t, secured).DidResume)
		assert.NotContains(t, p.Said(), arrived)
	}
}

// Keys are changed at the peer's wish, ours as well if it asks for that.
func TestSClientKeyUpdate(t *testing.T) {
	id := identify(t, "torsion.test")
	f, _ := echoes()
	s := listen(t, id.config().Wrap(f))
	p := sClient(t, s, id, "-tls1_3", "-msg")
	answers(p, "before")
	for range 3 {
		p.Say("k") // its own
		p.Expect(">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
		answers(p, "between")
		p.Say("K") // and ours
		p.Expect(">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
		p.Expect("<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
		answers(p, "after")
	}
	p.Say("Q")
	assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)
}

// Nobody renegotiates: who tries is told by an alert and loses his connection.
func TestSClientRenegotiates(t *testing.T) {
	id := identify(t, "torsion.test")
	f, _ := echoes()
	s := listen(t, id.config().Wrap(f))
	p := sClient(t, s, id, "-tls1_2", "-msg")
	answers(p, "hello")
	p.Say("R")
	p.Expect("RENEGOTIATING")
	p.Expect("<<< TLS 1.2, Alert [length 0002], fatal unexpected_message")
	assert.NotZero(t, p.Ends())
	assert.ErrorContains(t, s.Lost(t), "unexpected handshake message")
}

// A polite is a line session that leaves when it hears "bye".
type polite struct{ line.Base }

func (p *polite) LineReceived(text []byte) {
	p.SendBytes(text)
	if string(text) == "bye" {
		p.LoseConnection()
	}
}

func newPolite() protocol.Protocol {
	return line.Config{AcceptLF: true}.New(&polite{})
}

// Our end is a close_notify behind the last words, and openssl takes it for one.
func TestSClientHearsTheEnd(t *testing.T) {
	id := identify(t, "torsion.test")
	s := listen(t, id.config().Wrap(factory.Each(newPolite)))
	for option := range versions {
		t.Run(names[option], func(t *testing.T) {
			p := sClient(t, s, id, option, "-msg")
			p.Say("bye")
			p.Expect("bye\r\n")
			p.Expect("<<< TLS " + names[option][4:] + ", Alert [length 0002], warning close_notify")
			p.Expect("closed")
			assert.Zero(t, p.Ends())
			assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)
		})
	}
}
