package smtp_test

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactortest"
)

// The Client and the server of this package understand each other: messages arrive as
// they were, with what is known of them, by all ways.
func TestClientAndServer(t *testing.T) {
	for name, set := range map[string]func(s *smtp.Config, c *smtp.ClientConfig){
		"in clear": func(s *smtp.Config, c *smtp.ClientConfig) { s.TLS, c.Security, c.User = nil, smtp.TLSNever, "" },
		"STARTTLS": func(*smtp.Config, *smtp.ClientConfig) {},
		"opportunist": func(_ *smtp.Config, c *smtp.ClientConfig) {
			c.Security, c.TLS, c.AllowInsecureAuth = smtp.TLSOpportunistic, nil, true
		},
		"implicit TLS": func(s *smtp.Config, c *smtp.ClientConfig) { s.ImplicitTLS, c.Security = true, smtp.TLSImplicit },
		"LMTP":         func(s *smtp.Config, c *smtp.ClientConfig) { s.LMTP, c.LMTP = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})
				p := over(t, r, "127.0.0.1:1")
				server := smtp.Config{Domain: "mx.test", TLS: &tls.Config{Certificates: []tls.Certificate{p.cert}}, EnableDSN: true}
				p.config.Security, p.config.User, p.config.Password = smtp.TLSRequired, "eve", "sesame"
				set(&server, &p.config)
				var inbox smtp.Inbox
				port, err := r.Listen("tcp", "127.0.0.1:0", server.New(&smtp.Local{
					Mailboxes: []string{"bob", "b\u00f6b"},
					Delivery:  &inbox,
					Authenticate: func(user, password string) error {
						if user+password == "evesesame" {
							return nil
						}
						return errors.New("wrong")
					},
				}))
				require.NoError(t, err)
				p.config.Addr = port.Addr().String()

				c := p.config.New()
				defer c.Close()
				for _, text := range []string{"a: b\n\n.\n..\n.x\r\rend", "a: \u00fc\n\n\u00fc\n", "", strings.Repeat("0123456789", 100000) + "\n"} {
					result, err := c.SendContext(t.Context(), smtp.Mail{
						From:    "ann@a.test",
						To:      []string{"bob@b.test", "nobody@b.test", "b\u00f6b@b.test"},
						Body:    strings.NewReader(text),
						Options: smtp.MailOptions{EnvelopeID: "17"},
					})
					require.NoError(t, err)
					assert.True(t, result.DSN)
					assert.NoError(t, result.To[0].Err)
					assert.ErrorContains(t, result.To[1].Err, "No such mailbox")
					assert.NoError(t, result.To[2].Err)
					want := strings.ReplaceAll(strings.ReplaceAll(text, "\r", "\n"), "\n", "\r\n")
					if !strings.HasSuffix(want, "\r\n") {
						want += "\r\n"
					}
					requireArrived(t, p, &inbox, want)
					if p.config.LMTP { // one for each recipient
						requireArrived(t, p, &inbox, want)
					}
				}
			})
		})
	}
}

// requireArrived requires the next message to be this.
func requireArrived(t *testing.T, p *play, inbox *smtp.Inbox, text string) {
	t.Helper()
	m, err := inbox.Next(t.Context())
	require.NoError(t, err)
	require.True(t, text == string(m.Text), "%.80q instead of %.80q", m.Text, text)
	assert.Equal(t, "ann@a.test", m.From)
	assert.Equal(t, "17", m.Options.EnvelopeID)
	assert.EqualValues(t, len(text), m.Options.Size)
	assert.True(t, m.Options.UTF8)
	assert.Equal(t, p.config.Security != smtp.TLSNever, m.Peer.TLS != nil)
	assert.Equal(t, p.config.User, m.Peer.User)
}
