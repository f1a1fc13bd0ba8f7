package smtp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
