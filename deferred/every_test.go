package deferred_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
)

type none = deferred.Deferred[struct{}]

// Calls come at the multiples of the period, one each.
func TestEveryKeepsItsGrid(t *testing.T) {
	var c clock.Fake
	start := c.Now()
	var at []time.Duration
	d := deferred.Every(&c, time.Second, func(ticks int) *none {
		assert.Equal(t, 1, ticks)
		at = append(at, c.Now().Sub(start))
		return nil
	})
	c.Advance(time.Second - 1)
	assert.Empty(t, at)
	c.Advance(2*time.Second + 1)
	assert.Equal(t, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, at)
	d.Cancel()
	assert.Zero(t, c.Timers())
	assert.ErrorIs(t, outcomeOf(d).err, deferred.ErrCancelled)
	assert.Panics(t, func() { deferred.Every(&c, 0, nil) })
}

// A busy is a clock whose time jumps as it does for a loop that was busy.
type busy struct {
	clock.Fake
	ahead time.Duration
}

func (b *busy) Now() time.Time { return b.Fake.Now().Add(b.ahead) }

// Calls that were missed are skipped and counted, and the grid stays.
func TestEverySkips(t *testing.T) {
	var c busy
	start := c.Now()
	var got []string
	deferred.Every(&c, time.Second, func(ticks int) *none {
		got = append(got, fmt.Sprint(ticks, " at ", c.Now().Sub(start)))
		if len(got) == 2 {
			c.ahead += 3500 * time.Millisecond // it takes so long
		}
		return nil
	})
	c.Advance(5 * time.Second)
	assert.Equal(t, []string{"1 at 1s", "1 at 2s", "4 at 6s", "1 at 7s", "1 at 8s"}, got)
}

// A timer that is early by the clock calls nobody.
func TestEveryIsNeverEarly(t *testing.T) {
	var c busy
	calls := 0
	deferred.Every(&c, time.Second, func(ticks int) *none {
		assert.Equal(t, 1, ticks)
		calls++
		return nil
	})
	c.ahead = -time.Millisecond
	c.Advance(time.Second)
	assert.Zero(t, calls)
	c.Advance(time.Millisecond)
	assert.Equal(t, 1, calls)
}

// The next call waits for the Deferred, then for the next multiple.
func TestEveryWaits(t *testing.T) {
	w := newWorld()
	var got []int
	var step *none
	var o *outcome[struct{}]
	w.do(func() {
		o = outcomeOf(deferred.Every(w, time.Second, func(ticks int) *none {
			got = append(got, ticks)
			step = deferred.New[struct{}](w)
			return step
		}))
	})
	w.Advance(3500 * time.Millisecond)
	assert.Equal(t, []int{1}, got)
	w.do(func() { step.Fire(struct{}{}, nil) })
	w.Advance(500 * time.Millisecond)
	assert.Equal(t, []int{1, 3}, got)
	w.do(func() { step.Fire(struct{}{}, errBad) })
	assert.Equal(t, &outcome[struct{}]{err: errBad, times: 1}, o)
	w.Advance(time.Hour)
	assert.Equal(t, []int{1, 3}, got)
}

// Cancel ends it from anywhere, with what the last call has begun.
func TestEveryIsCancelled(t *testing.T) {
	w := newWorld()
	var inside, outside *none
	asked := 0
	begin := func() *none {
		d := deferred.New[struct{}](w)
		d.OnCancel(func() { asked++ })
		return d
	}
	w.do(func() {
		inside = deferred.Every(w, time.Second, func(int) *none {
			inside.Cancel()
			return begin()
		})
		outside = deferred.Every(w, time.Second, func(int) *none { return begin() })
	})
	w.Advance(time.Second)
	assert.Equal(t, 1, asked)
	assert.ErrorIs(t, outcomeOf(inside).err, deferred.ErrCancelled)
	w.do(outside.Cancel)
	assert.Equal(t, 2, asked)
	assert.ErrorIs(t, outcomeOf(outside).err, deferred.ErrCancelled)
	assert.Empty(t, w.log.String())
}

// A panic ends it as an error does.
func TestEveryPanics(t *testing.T) {
	w := newWorld()
	var o *outcome[struct{}]
	w.do(func() { o = outcomeOf(deferred.Every(w, time.Second, func(int) *none { panic(errBad) })) })
	w.Advance(time.Hour)
	assert.ErrorIs(t, o.err, errBad)
	assert.Equal(t, 1, o.times)
	assert.Equal(t, 1, w.log.Lines())
	w.do(func() { o = outcomeOf(deferred.Every(w, time.Second, func(int) *none { return taken[struct{}]() })) })
	w.Advance(time.Second)
	assert.ErrorContains(t, o.err, "nothing is attached")
}

// A pinger pings on the clock of its connection.
type pinger struct {
	deaf
	fails bool
	done  *outcome[struct{}]
}

func (p *pinger) ConnectionMade(t protocol.Transport) {
	p.done = outcomeOf(deferred.Every(t, time.Minute, func(int) *none {
		if p.fails {
			panic(errBad)
		}
		_, err := t.Write([]byte("ping\n"))
		return deferred.Fired(struct{}{}, err)
	}))
}

// On the clock of a connection it ends with that.
func TestEveryOfAConnection(t *testing.T) {
	p := &pinger{}
	tr := connect(t, p)
	tr.Advance(2 * time.Minute)
	assert.Equal(t, "ping\nping\n", tr.Take())
	tr.Reset()
	assert.ErrorIs(t, p.done.err, deferred.ErrCancelled)
	assert.True(t, protocol.IsReset(p.done.err), p.done.err)
	assert.Zero(t, tr.Timers())

	p = &pinger{fails: true}
	tr = connect(t, p)
	tr.Advance(time.Hour)
	assert.ErrorIs(t, p.done.err, errBad)
	assert.ErrorIs(t, tr.Lost(), errBad)
}
