package interop

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
)

// sServer starts openssl s_server, which is id, and returns it with its address.
func sServer(t *testing.T, id identity, options ...string) (p *program, addr string) {
	t.Helper()
	need(t, "openssl", "version")
	args := []string{"s_server", "-accept", "127.0.0.1:0", "-cert", id.certFile, "-key", id.keyFile}
	p = start(t, "openssl", append(args, options...)...)
	return p, p.Line("ACCEPT ")
}

// trusting is the configuration of a client that trusts id to be that host.
func trusting(id identity, host string) secure.Config {
	return secure.Config{Client: &tls.Config{RootCAs: pool(id), ServerName: host}}
}

// Our client speaks both versions of TLS with openssl, which turns lines around.
func TestSServer(t *testing.T) {
	id := identify(t, "torsion.test")
	for option := range versions {
		t.Run(names[option], func(t *testing.T) {
			_, addr := sServer(t, id, option, "-rev")
			c := dial(t, addr, trusting(id, "torsion.test"))
			c.Say("live")
			c.Expect("evil\n")
			c.Say("drawer")
			c.Expect("reward\n")
			c.Leave()
			assert.ErrorIs(t, c.Lost(), protocol.ErrConnectionDone)
		})
	}
}

// Whoever is another than the one that was meant is not spoken with.
func TestSServerOther(t *testing.T) {
	id, other := identify(t, "torsion.test"), identify(t, "other.test")
	p, addr := sServer(t, id)
	var failed *secure.HandshakeError

	err := dial(t, addr, trusting(id, "other.test")).Failed()
	assert.ErrorAs(t, err, &failed)
	var name x509.HostnameError
	assert.ErrorAs(t, err, &name)
	p.Expect("alert bad certificate")

	err = dial(t, addr, trusting(other, "torsion.test")).Failed()
	assert.ErrorAs(t, err, &failed)
	var unknown x509.UnknownAuthorityError
	assert.ErrorAs(t, err, &unknown)
	p.Expect("alert bad certificate")
}

// Our client shows its certificate to whom wants one, and one that has none fails
// with what openssl says to that.
func TestSServerVerifies(t *testing.T) {
	id, ours := identify(t, "torsion.test"), identify(t, "client.test")
	for option, alert := range map[string]string{"-tls1_2": "handshake failure", "-tls1_3": "certificate required"} {
		t.Run(names[option], func(t *testing.T) {
			p, addr := sServer(t, id, option, "-Verify", "1", "-verify_return_error", "-CAfile", ours.certFile)
			config := trusting(id, "torsion.test")
			config.Client.Certificates = []tls.Certificate{ours.Certificate}
			c := dial(t, addr, config)
			p.Expect("client.test")
			p.Say("hello")
			c.Expect("hello\n")
			c.Leave()
			assert.ErrorIs(t, c.Lost(), protocol.ErrConnectionDone)

			c = dial(t, addr, trusting(id, "torsion.test"))
			c.wait()
			why := c.failed // over TLS 1.3 the handshake is over before it is looked at
			if why == nil {
				why = c.reason
			}
			assert.ErrorContains(t, why, alert)
		})
	}
}

// Our client changes keys when openssl does, and when it wants that.
func TestSServerKeyUpdate(t *testing.T) {
	id := identify(t, "torsion.test")
	p, addr := sServer(t, id, "-tls1_3", "-msg")
	c := dial(t, addr, trusting(id, "torsion.test"))
	for range 3 {
		c.Say("one")
		p.Expect("one\n")
		p.Say("k") // its own
		p.Expect(">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
		p.Say("two")
		c.Expect("two\n")
		p.Say("K") // and ours
		p.Expect(">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
		p.Say("three")
		c.Expect("three\n")
		p.Expect("<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
	}
	c.Leave()
	assert.ErrorIs(t, c.Lost(), protocol.ErrConnectionDone)
}

// Our client does not renegotiate, and says so.
func TestSServerRenegotiates(t *testing.T) {
	id := identify(t, "torsion.test")
	p, addr := sServer(t, id, "-tls1_2", "-msg")
	config := trusting(id, "torsion.test")
	config.Client.Renegotiation = tls.RenegotiateFreelyAsClient // which is not done
	c := dial(t, addr, config)
	c.Say("hello")
	p.Expect("hello\n")
	p.Say("r")
	p.Expect("<<< TLS 1.2, Alert [length 0002], warning no_renegotiation")
	assert.ErrorContains(t, c.Lost(), "no renegotiation")
}

// A page of openssl's arrives whole, and its end is a close_notify.
func TestSServerPage(t *testing.T) {
	id := identify(t, "torsion.test")
	for option := range versions {
		t.Run(names[option], func(t *testing.T) {
			_, addr := sServer(t, id, option, "-www")
			c := dial(t, addr, trusting(id, "torsion.test"))
			c.Say("GET / HTTP/1.0\r\n\r")
			c.Expect("HTTP/1.0 200 ok")
			c.Expect("</pre></BODY></HTML>\r\n\r\n")
			assert.ErrorIs(t, c.Lost(), protocol.ErrConnectionDone)
		})
	}
}
