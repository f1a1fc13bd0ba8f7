package smtp_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// More recipients than one transaction takes are put off one part after the other, and not
// the first part again and again.
func TestQueuePutsOffAllParts(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b moody
		b.say(later)
		p.serve("b.test", "192.0.2.1", &b)
		p.send("ann@a.test", crowd(250)...)
		p.settle()
		assert.EqualValues(t, 3, b.asked.Load())
		for _, r := range p.queue.List()[0].To {
			assert.Equal(t, 1, r.Attempts)
		}
		b.say(nil)
		p.queue.Flush()
		p.settle()
		assert.EqualValues(t, 6, b.asked.Load())
		p.requireEmpty()
	})
}

// A server that takes few recipients at a time gets the others at once, in transactions of
// their own (RFC 5321, section 4.5.3.1.10), as long as it takes any; one that takes none is
// not asked again before it is time.
func TestQueueSplitsRecipients(t *testing.T) {
	for _, no := range []string{
		"452 4.5.3 one by one\r\n", "452 too many\r\n", "552 5.5.3 too many\r\n", // as RFC 821 had it
	} {
		inPost(t, func(p *post) { p.queue.PerDestination = 1 }, func(t *testing.T, p *post) {
			const n = 5
			says := []string{"220 hi\r\n", "250 hi\r\n"}
			for left := n; left > 0; left-- {
				says = append(says, "250 ok\r\n", "250 ok\r\n")
				says = append(says, slices.Repeat([]string{no}, left-1)...)
				says = append(says, "354 go\r\n", "250 ok\r\n")
			}
			p.listen("b.test", "192.0.2.1", scripted(append(says, "221 bye\r\n")...))
			p.send("ann@a.test", crowd(n)...)
			p.settle()
			p.requireEmpty()
			assert.EqualValues(t, n, p.queue.Stats().Sent)
			assert.NotContains(t, p.log.String(), "smtp: report")
		})
	}
	inPost(t, func(p *post) { p.queue.PerDestination = 1 }, func(t *testing.T, p *post) {
		p.listen("b.test", "192.0.2.1", scripted("220 hi\r\n", "250 hi\r\n",
			"250 ok\r\n", "250 ok\r\n", "452 4.2.2 full\r\n", "354 go\r\n", "250 ok\r\n", // the first has it
			"250 ok\r\n", "452 4.2.2 full\r\n", "221 bye\r\n"))
		p.send("ann@a.test", crowd(2)...)
		p.settle()
		list := p.queue.List()
		require.Len(t, list, 1)
		require.Len(t, list[0].To, 1)
		assert.Equal(t, 1, list[0].To[0].Attempts)
		assert.Equal(t, time.Hour, time.Until(list[0].To[0].Next))
	})
}
