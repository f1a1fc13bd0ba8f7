package smtp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Behind a message, or a chunk of one, a client has the time of a command again, not what
// is left of the message's.
func TestCommandTimeoutBehindMessage(t *testing.T) {
	bothWays(t, func(t *testing.T, c *clerk) {
		for _, message := range []string{
			"DATA\r\n.\r\n", "BDAT 2\r\n\r\n", "BDAT 2 LAST\r\n\r\n", "BDAT 65\r\n" + long, "RSET\r\nBDAT 65\r\n" + long,
		} {
			for _, memory := range []int{0, 1} {
				config := testServer()
				config.DataTimeout, config.MaxMemory = 10*time.Second, memory
				tr := dial(config.New(c))
				tr.Receive(addressed1 + message)
				tr.Take()
				tr.Advance(5*time.Minute - 1)
				assert.Empty(t, tr.Take(), "%.12q", message)
				tr.Advance(1)
				assert.Contains(t, tr.Take(), "421 4.4.2 ")
			}
		}
	})
}

// long is one byte more than testServer takes.
const long = "12345678901234567890123456789012345678901234567890123456789012345"
