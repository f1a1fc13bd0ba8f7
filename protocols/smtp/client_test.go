package smtp_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

func errorIs(err, target error) bool { return errors.Is(err, target) }

// A message is accepted, with its dots hidden and its lines ended, and the Result has
// what the server said.
func TestClientSends(t *testing.T) {
	for _, cut := range []bool{false, true} {
		inBubble(t, func(p *play) {
			p.cut = cut
			p.serve(`S: 220-mail.test
				S: 220 welcome
				C: EHLO client.test
				S: 250-mail.test greets
				S: 250-8bitmime
				S: 250-Size 1000
				S: 250 ENHANCEDSTATUSCODES
				C: MAIL FROM:<ann@a.test> SIZE=20
				S: 250 2.1.0 ok
				C: RCPT TO:<bob@b.test>
				S: 250 2.1.5 Bob will like it
				C: RCPT TO:<"c d"@b.test>
				S: 251 2.1.5 forwarded
				C: DATA
				S: 354 go on
				C: a: b
				C:
				C: ..
				C: ..x
				C: end
				C: .
				S: 250-2.0.0 queued
				S: 250 2.0.0 as 17` + goodbye)
			r, err := p.send(message("a: b\n\n.\r.x\r\nend", "bob@b.test", `"c d"@b.test`))
			require.NoError(t, err)
			assert.Equal(t, smtp.Result{Text: "2.0.0 queued\n2.0.0 as 17", To: []smtp.Receipt{
				{Address: "bob@b.test", Text: "2.1.5 Bob will like it"},
				{Address: `"c d"@b.test`, Text: "2.1.5 forwarded"},
			}}, r)
		})
	}
}

// Who has no name is called by his address (RFC 5321, section 4.1.4).
func TestClientName(t *testing.T) {
	for addr, name := range map[string]string{"127.0.0.1:0": "[127.0.0.1]", "[::1]:0": "[IPv6:::1]", "/mail": "localhost"} {
		inBubbleOn(t, addr, func(p *play) {
			p.config.LocalName, p.config.Security = "", smtp.TLSNever
			p.serve("S: 220 mail.test\nC: EHLO " + name + "\nS: 250 mail.test\nC: NOOP\nS: 250 ok" + goodbye)
			c := p.config.New()
			require.NoError(t, c.NoopContext(context.Background()))
			require.NoError(t, c.Close())
		})
	}
}

// A Unix socket is on this machine: there is no TLS unless that is asked for, and
// passwords may be told.
func TestClientUnixSocket(t *testing.T) {
	inBubbleOn(t, "/mail", func(p *play) {
		p.config.Security, p.config.LMTP = smtp.TLSRequired, true
		p.config.User, p.config.Password = "eve", "sesame"
		p.serve(strings.Replace(ehlo("STARTTLS", "AUTH PLAIN"), "EHLO", "LHLO", 1) + authenticated + transaction + goodbye)
		_, err := p.send(message("hi", "bob@b.test"))
		assert.NoError(t, err)
	})
}

// A server that refuses LHLO is not spoken to as one of SMTP, whose one reply to a message
// would be taken for that of the first recipient.
func TestClientLMTPWithoutLHLO(t *testing.T) {
	for _, code := range []string{"500", "502", "550"} {
		inBubble(t, func(p *play) {
			p.config.LMTP = true
			p.serve("S: 220 mail.test\nC: LHLO client.test\nS: " + code + " 5.5.1 what?")
			_, err := p.send(message("hi", "bob@b.test", "carl@b.test"))
			e := requireSendError(p.T, err, "LHLO", false)
			assert.False(t, e.Temporary())
			assert.Equal(t, code != "550", strings.Contains(err.Error(), "the server does not speak LMTP"), err)
		})
	}
}
