package smtp_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
