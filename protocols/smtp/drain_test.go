package smtp

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/reactortest"
)

// A talker says all at once, keeps what it hears, and does not mind who goes down.
type talker struct {
	line.Base
	says  string
	heard []string
	lost  error
}

func (t *talker) ConnectionMade(c *line.Conn) { c.Write([]byte(t.says)) }
func (t *talker) LineReceived(l []byte)       { t.heard = append(t.heard, string(l)) }
func (t *talker) ConnectionLost(reason error) { t.lost = reason }
func (t *talker) Shutdown()                   {}

// Who is within a transaction when the time to drain is nearly over is told so (RFC 5321,
// section 3.8), wherever he has come to, and nothing of it is delivered.
func TestDrainEndsTransactions(t *testing.T) {
	for _, said := range []string{
		"", "RCPT TO:<b@our.test>\r\n", "RCPT TO:<b@our.test>\r\nDATA\r\n", "RCPT TO:<b@our.test>\r\nDATA\r\nhello\r\n.\r",
		"RCPT TO:<b@our.test>\r\nBDAT 9\r\nhello", "RCPT TO:<b@our.test>\r\nBDAT 5\r\nhello",
	} {
		bothWays(t, func(t *testing.T, c *clerk) {
			r := reactortest.NewMemory(reactortest.Config{Workers: -1, DrainTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler)})
			port, err := r.Listen("tcp", "127.0.0.1:0", testServer().New(c))
			require.NoError(t, err)
			client := &talker{says: "EHLO me\r\nMAIL FROM:<a@x>\r\n" + said}
			r.Connect("tcp", port.Addr().String(), factory.Each(func() protocol.Protocol { return line.New(client) }))
			r.Settle()
			r.Stop()
			r.Settle()
			r.Advance(time.Minute - lastWords - 1)
			require.NoError(t, client.lost)
			require.NotContains(t, strings.Join(client.heard, "\n"), "421", said)
			r.Advance(1)
			assert.Equal(t, "421 4.3.2 mx.our.test Service is shutting down", client.heard[len(client.heard)-1], said)
			r.Settle()
			assert.ErrorIs(t, client.lost, protocol.ErrConnectionDone, said)
			asked := c.asked()
			assert.NotContains(t, asked, "data", said)
			assert.True(t, strings.HasSuffix(asked, "\nreset\nlogout"), asked)
		})
	}
}

// A short time to drain has last words, too: in its last tenth.
func TestDrainIsShort(t *testing.T) {
	r := reactortest.NewMemory(reactortest.Config{Workers: -1, DrainTimeout: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	port, err := r.Listen("tcp", "127.0.0.1:0", testServer().New(&clerk{}))
	require.NoError(t, err)
	client := &talker{says: "EHLO me\r\nMAIL FROM:<a@x>\r\n"}
	r.Connect("tcp", port.Addr().String(), factory.Each(func() protocol.Protocol { return line.New(client) }))
	r.Settle()
	r.Stop()
	r.Advance(9*time.Millisecond - 1)
	assert.NotContains(t, client.heard[len(client.heard)-1], "421")
	r.Advance(1)
	assert.Contains(t, client.heard[len(client.heard)-1], "421 4.3.2 ")
}
