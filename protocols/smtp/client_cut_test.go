//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// A cutter stands between a Client and its server, and remembers what the Client has been
// told, by message and recipient.
type cutter struct {
	*play
	net.Listener
	server  string
	verdict map[string]error
}

// send sends a message, of which so many bytes reach the server, and so many of its
// replies the Client. It returns how many have.
func (c *cutter) send(client, server int64) (said, answered int64) {
	id := fmt.Sprintf("%06d", len(c.verdict))
	done := make(chan bool)
	go func() {
		defer close(done)
		said, answered = c.pass(client, server)
	}()
	result, _ := c.play.send(message("Subject: "+id+"\n\n.hello\n", "bob@b.test", "carl@b.test"))
	for _, to := range result.To {
		c.verdict[id+" "+to.Address] = to.Err
	}
	<-done
	return said, answered
}

func (c *cutter) pass(client, server int64) (said, answered int64) {
	a, err := c.Accept()
	if !assert.NoError(c, err) {
		return 0, 0
	}
	defer a.Close()
	b, err := net.Dial("tcp", c.server)
	if !assert.NoError(c, err) {
		return 0, 0
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		answered, _ = io.CopyN(a, b, server)
		a.Close()
		b.Close()
	}()
	said, _ = io.CopyN(b, a, client)
	a.Close()
	b.Close()
	<-done
	return said, answered
}

// Wherever a connection is cut, what the Client says was not accepted has not arrived, and
// what was accepted has, once and whole.
func TestClientCutAnywhere(t *testing.T) {
	for name, lmtp := range map[string]bool{"SMTP": false, "LMTP": true} {
		t.Run(name, func(t *testing.T) {
			onSockets(t, "127.0.0.1:0", func(p *play) {
				inbox := &smtp.Inbox{}
				f := smtp.Config{Domain: "mx.our.test", LMTP: lmtp}.New(&smtp.Local{Delivery: inbox})
				port, err := p.config.Network.Listen("tcp", "127.0.0.1:0", f)
				require.NoError(t, err)
				l, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				defer l.Close()
				p.config.Addr, p.config.LMTP = l.Addr().String(), lmtp
				c := &cutter{p, l, port.Addr().String(), make(map[string]error)}
				said, answered := c.send(1<<20, 1<<20)
				for i := range said {
					c.send(i, 1<<20)
				}
				for i := range answered {
					c.send(1<<20, i)
				}
				c.judge(inbox.Messages())
			})
		})
	}
}

func (c *cutter) judge(messages []smtp.Message) {
	arrived := make(map[string]int)
	for _, m := range messages {
		text := string(m.Text)
		assert.True(c, strings.HasSuffix(text, "\r\n\r\n.hello\r\n"), text)
		for _, to := range m.To {
			arrived[text[len("Subject: "):strings.Index(text, "\r")]+" "+to.Address]++
		}
	}
	told := make(map[bool]int)
	for id, err := range c.verdict {
		told[err == nil]++
		switch {
		case err == nil:
			assert.Equal(c, 1, arrived[id], id)
		case errors.Is(err, smtp.ErrNotAccepted):
			assert.Zero(c, arrived[id], "%s: %v", id, err)
		default:
			assert.ErrorIs(c, err, smtp.ErrUnknown, id)
		}
	}
	assert.Greater(c, told[true], 1)
	assert.Greater(c, told[false], 500)
}
