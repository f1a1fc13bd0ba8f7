package smtp_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// What is sent is logged with what the server said, by which it can be found there.
func TestQueueLogsReplies(t *testing.T) {
	for _, lmtp := range []bool{false, true} {
		var b smtp.Inbox
		inPost(t, func(p *post) {
			config := smtp.Config{LMTP: lmtp}
			port, err := p.network.Listen("tcp", "127.0.0.1:0", config.New(&smtp.Local{Delivery: &b}))
			require.NoError(t, err)
			p.queue.Smarthost = smtp.ClientConfig{Addr: port.Addr().String(), Security: smtp.TLSNever, LMTP: lmtp}
		}, func(t *testing.T, p *post) {
			p.send("ann@a.test", "bob@b.test")
			p.settle()
			require.Len(t, b.Messages(), 1)
			assert.Contains(t, p.log.String(), "queued as "+b.Messages()[0].ID)
		})
	}
}

// A server that wants us to log in says nothing of the message, which waits for an operator
// who is told.
func TestQueueWaitsForLogin(t *testing.T) {
	var b moody
	inPost(t, nil, func(t *testing.T, p *post) {
		p.listen("b.test", "192.0.2.1", smtp.Config{}.New(&smtp.Local{Delivery: &b, RequireAuth: true}))
		p.send("ann@a.test", "bob@b.test")
		p.after(24 * time.Hour)
		list := p.queue.List()
		require.Len(t, list, 1)
		assert.Contains(t, list[0].To[0].Err, "530 5.7.0")
		assert.Contains(t, p.log.String(), "level=WARN msg=\"smtp: put off\"")
	})
}
