package smtp_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocols/smtp"
)

// RFC 8689: what requires TLS is not sent without, nor to whoever may have answered, nor over
// the connection of another message; and it does not hold up others.
func TestQueueRequiresTLS(t *testing.T) {
	var bounces smtp.Inbox
	inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
		says := []string{"220 hi\r\n", "250-hi\r\n250 REQUIRETLS\r\n"}
		for range 3 {
			says = append(says, whole[2:6]...)
		}
		p.listen("b.test", "192.0.2.1", scripted(append(says, "221 bye\r\n")...))
		p.queue.PerDestination = 1
		e := &smtp.Envelope{From: "ann@a.test", To: []smtp.Recipient{{Address: "bob@b.test"}}}
		secret := *e
		secret.Options.RequireTLS = true
		for _, e := range []*smtp.Envelope{e, &secret, e} {
			require.NoError(t, p.queue.Deliver(e, strings.NewReader(letter)))
		}
		p.settle()
		assert.EqualValues(t, 2, p.queue.Stats().Sent)
		list := p.queue.List()
		require.Len(t, list, 1)
		assert.Contains(t, list[0].To[0].Err, smtp.ErrNoTLS.Error())
	})
}

// Nothing that is configured lets such a message go to a server that has not proved to be the one that
// the Resolver, or the operator, has named; others go there.
func TestQueueRequiresProof(t *testing.T) {
	for name, c := range map[string]struct {
		mx        string
		tls       func(trusted *x509.CertPool) *tls.Config
		smarthost bool
		proved    bool
	}{
		"nothing is known": {"mx.b.test", func(*x509.CertPool) *tls.Config { return nil }, false, false},
		"no proof wanted":  {"mx.b.test", func(*x509.CertPool) *tls.Config { return &tls.Config{InsecureSkipVerify: true} }, false, false},
		"nor of us":        {"mx.b.test", func(*x509.CertPool) *tls.Config { return &tls.Config{InsecureSkipVerify: true} }, true, false},
		"another name": {"mx.evil.test", func(trusted *x509.CertPool) *tls.Config {
			return &tls.Config{RootCAs: trusted, ServerName: "mx.b.test"}
		}, false, false},
		"the name of ours": {"mx.evil.test", func(trusted *x509.CertPool) *tls.Config {
			return &tls.Config{RootCAs: trusted, ServerName: "mx.b.test"}
		}, true, true},
		"trusted": {"mx.b.test", func(trusted *x509.CertPool) *tls.Config {
			return &tls.Config{RootCAs: trusted, ServerName: "x.test", InsecureSkipVerify: true}
		}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var bounces, b smtp.Inbox
			var config *tls.Config
			set := func(p *post) {
				cert, err := secure.SelfSigned("mx.b.test")
				require.NoError(p, err)
				trusted := x509.NewCertPool()
				trusted.AddCert(cert.Leaf)
				p.queue.Bounces = &bounces
				p.listen(c.mx, "192.0.2.1", smtp.Config{
					Domain: c.mx, TLS: &tls.Config{Certificates: []tls.Certificate{cert}},
				}.New(&smtp.Local{Delivery: &b}))
				p.route("b.test", c.mx)
				config = c.tls(trusted)
				find := p.queue.Tune
				p.queue.Tune = func(destination string, to *smtp.ClientConfig) {
					find(destination, to)
					to.Security, to.TLS = smtp.TLSOpportunistic, config
				}
				if c.smarthost {
					p.queue.Smarthost = smtp.ClientConfig{Addr: "192.0.2.1:25"}
				}
			}
			inPost(t, set, func(t *testing.T, p *post) {
				insecure := config != nil && config.InsecureSkipVerify
				e := &smtp.Envelope{From: "ann@a.test", To: []smtp.Recipient{{Address: "bob@b.test"}}}
				secret := *e
				secret.Options.RequireTLS = true
				require.NoError(t, p.queue.Deliver(&secret, strings.NewReader(letter)))
				p.settle()
				if list := p.queue.List(); c.proved { // and then it does not offer REQUIRETLS
					require.Len(t, bounces.Messages(), 1, list)
					assert.Contains(t, string(bounces.Messages()[0].Text), "Status: 5.7.30")
				} else {
					require.Len(t, list, 1, bounces.Messages())
					assert.Contains(t, list[0].To[0].Err, "x509: ")
				}
				require.NoError(t, p.queue.Deliver(e, strings.NewReader(letter)))
				p.settle()
				assert.Len(t, b.Messages(), 1)
				assert.Equal(t, insecure, config != nil && config.InsecureSkipVerify, "it is not ours to change")
			})
		})
	}
}
