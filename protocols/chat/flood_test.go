package chat

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestFlood(t *testing.T) {
	const second = time.Second
	var f flood
	now := time.Unix(1e9, 0)
	for range 3 {
		assert.Zero(t, f.line(now, 3, second), "a burst is free")
	}
	assert.Equal(t, second, f.line(now, 3, second))
	assert.Equal(t, 1, f.throttled)
	now = now.Add(second)
	assert.Equal(t, second, f.line(now, 3, second), "then one each second")
	assert.Equal(t, 2, f.throttled)
	now = now.Add(2 * second)
	assert.Zero(t, f.line(now, 3, second), "who is slower does not wait")
	now = now.Add(4 * second)
	for range 3 {
		assert.Zero(t, f.line(now, 3, second), "after a rest a burst is free again")
	}
	assert.Zero(t, f.throttled)
	assert.Equal(t, second, f.line(now, 3, second))
	assert.Equal(t, 2*second, f.line(now, 3, second), "one that does not wait waits longer")
}
