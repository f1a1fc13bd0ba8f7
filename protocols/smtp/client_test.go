package smtp_test

import (
	"errors"
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
