package smtp

import (
	"strings"
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

// The time of a message goes on between its chunks, whatever else is said there.
func TestMessageTimeoutBetweenChunks(t *testing.T) {
	for _, said := range []string{"NOOP\r\n", "BDAT 1\r\nx", strings.Repeat("x", maxLine+1) + "\r\n"} {
		bothWays(t, func(t *testing.T, c *clerk) {
			config := testServer()
			config.MaxErrors, config.MaxMemory = 100, 1
			tr := dial(config.New(c))
			tr.Receive(addressed1 + "BDAT 2\r\n\r\n")
			for range 14 {
				tr.Advance(4 * time.Minute)
				assert.NotContains(t, tr.Take(), "421")
				tr.Receive(said)
			}
			tr.Advance(4*time.Minute - 1)
			assert.NotContains(t, tr.Take(), "421")
			tr.Receive(said)
			tr.Advance(1)
			assert.Contains(t, tr.Take(), "421 4.4.2 ", "%.6q", said)
			assert.NotContains(t, c.asked(), "data")
		})
	}
}

// Behind the last chunk, at the last moment, a client has the time of a command again.
func TestCommandTimeoutBehindLastChunk(t *testing.T) {
	for _, end := range []string{"BDAT 0 LAST\r\n", "BDAT 1 LAST\r\nx", "RSET\r\n", "EHLO you\r\n", "BDAT 65\r\n" + long} {
		for _, memory := range []int{0, 1} {
			bothWays(t, func(t *testing.T, c *clerk) {
				config := testServer()
				config.MaxMemory = memory
				tr := dial(config.New(c))
				tr.Receive(addressed1 + "BDAT 2\r\n\r\n")
				for range 59 {
					tr.Advance(time.Minute)
					tr.Receive("NOOP\r\n")
				}
				tr.Receive(end)
				tr.Advance(5*time.Minute - 1)
				assert.NotContains(t, tr.Take(), "421", "%.8q", end)
				tr.Advance(1)
				assert.Contains(t, tr.Take(), "421 4.4.2 ")
			})
		}
	}
}

// long is one byte more than testServer takes.
const long = "12345678901234567890123456789012345678901234567890123456789012345"
