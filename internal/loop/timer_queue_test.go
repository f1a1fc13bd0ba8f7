package loop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The last timer of the wheel is poured on when its bucket's time comes, and the wheel
// turns no further than that: what is set next finds its place there.
func TestPouringTheLastTimerTurnsTheWheelToItsBucket(t *testing.T) {
	var q timerQueue
	for range fewTimers {
		q.push(&timer{at: int64(100 * time.Hour)})
	}
	q.push(&timer{at: int64(80 * time.Minute)})
	now := q.first()
	for q.first() <= now {
		assert.Nil(t, q.pop())
	}
	assert.Equal(t, now>>tickBits, q.wheel.tick)
	assert.Equal(t, 1, q.wheel.n)
}
