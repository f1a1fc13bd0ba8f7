package deferred_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A coroutine runs up to its first wait at once, and on from there on the loop.
func TestCoroutineRunsInOrder(t *testing.T) {
	w := newWorld()
	var steps []string
	d := deferred.New[string](w)
	var o *outcome[struct{}]
	w.do(func() {
		o = outcomeOf(deferred.Run(w, func(c *deferred.Coroutine) error {
			steps = append(steps, "begun")
			s, err := deferred.Wait(c, d)
			steps = append(steps, s)
			assert.NoError(t, err)
			start := w.Now()
			assert.NoError(t, c.Sleep(time.Minute))
			assert.Equal(t, time.Minute, w.Now().Sub(start))
			_, err = deferred.Wait(c, deferred.Fired(0, errBad))
			return err
		}))
		steps = append(steps, "back")
	})
	w.do(func() { d.Fire("result", nil) })
	assert.Equal(t, []string{"begun", "back", "result"}, steps)
	assert.Zero(t, o.times)
	w.Advance(time.Minute)
	assert.Equal(t, &outcome[struct{}]{err: errBad, times: 1}, o)
}

// Deferreds that have fired are taken without a switch, however many.
func TestCoroutineTakesWhatIsThere(t *testing.T) {
	w := newWorld()
	w.do(func() {
		sum := 0
		o := outcomeOf(deferred.Run(w, func(c *deferred.Coroutine) error {
			for i := range many {
				n, _ := deferred.Wait(c, deferred.Fired(i, nil))
				sum += n
			}
			return nil
		}))
		assert.Equal(t, &outcome[struct{}]{times: 1}, o)
		assert.Equal(t, many*(many-1)/2, sum)
	})
}

// One that recovers what ends it is told what that was.
func TestCoroutineRecovers(t *testing.T) {
	w := newWorld()
	w.do(func() {
		d := deferred.Run(w, func(c *deferred.Coroutine) (err error) {
			defer func() { err = recover().(error) }()
			for {
				_, _ = deferred.Wait(c, deferred.New[int](w))
			}
		})
		d.Cancel()
		assert.ErrorContains(t, outcomeOf(d).err, "this coroutine was cancelled and ends")
	})
}

// Goexit in a coroutine is Goexit in the callback that resumed it.
func TestGoexitEndsTheLoop(t *testing.T) {
	w := newWorld()
	assert.NoError(t, w.Call(func() {
		deferred.Run(w, func(*deferred.Coroutine) error {
			runtime.Goexit()
			return nil
		})
	}))
	ended := make(chan bool, 1)
	go func() {
		returned := false
		defer func() { ended <- returned }()
		_ = w.Run(t.Context())
		returned = true
	}()
	assert.False(t, <-ended)
}

// Its panic is its error.
func TestCoroutinePanics(t *testing.T) {
	w := newWorld()
	w.do(func() {
		o := outcomeOf(deferred.Run(w, func(*deferred.Coroutine) error { panic(errBad) }))
		var p *protocol.PanicError
		assert.ErrorAs(t, o.err, &p)
		assert.ErrorIs(t, o.err, errBad)
		assert.Contains(t, string(p.Stack), "TestCoroutinePanics")

		var kept *deferred.Coroutine
		outcomeOf(deferred.Run(w, func(c *deferred.Coroutine) error { kept = c; return nil }))
		assert.Panics(t, func() { _, _ = deferred.Wait(kept, deferred.New[int](w)) })
	})
	assert.Equal(t, 1, w.log.Lines())
}

// One coroutine may wake another.
func TestCoroutinesWakeEachOther(t *testing.T) {
	w := newWorld()
	var said []string
	ping, pong := deferred.New[int](w), deferred.New[int](w)
	w.do(func() {
		outcomeOf(deferred.Run(w, func(c *deferred.Coroutine) error {
			for range 1000 {
				n, _ := deferred.Wait(c, ping)
				ping = deferred.New[int](w)
				said = append(said, "ping")
				pong.Fire(n+1, nil)
			}
			return nil
		}))
		o := outcomeOf(deferred.Run(w, func(c *deferred.Coroutine) error {
			for i := range 1000 {
				ping.Fire(i, nil)
				n, _ := deferred.Wait(c, pong)
				pong = deferred.New[int](w)
				assert.Equal(t, i+1, n)
				said = append(said, "pong")
			}
			return nil
		}))
		assert.Equal(t, &outcome[struct{}]{times: 1}, o)
	})
	assert.Equal(t, strings.Repeat("ping pong ", 1000), strings.Join(said, " ")+" ")
}

// However many coroutines wait for the end of each other, they need no stack but
// their own.
func TestCoroutinesEndOneAfterTheOther(t *testing.T) {
	w := newWorld()
	w.do(func() {
		head := deferred.New[struct{}](w)
		d := head
		for range 500 {
			before := d
			d = deferred.Run(w, func(c *deferred.Coroutine) error {
				_, err := deferred.Wait(c, before)
				return err
			})
		}
		deepest := 0
		d.Done(func(struct{}, error) { deepest = depth() })
		head.Fire(struct{}{}, errBad)
		assert.NotZero(t, deepest)
		assert.Less(t, deepest, depth()+20)
	})
}

// A talker says a number each second, in a coroutine of its connection.
type talker struct {
	deaf
	body func(t protocol.Transport, c *deferred.Coroutine) error
	done *outcome[struct{}]
}

func (p *talker) ConnectionMade(t protocol.Transport) {
	p.done = outcomeOf(deferred.RunOn(t, func(c *deferred.Coroutine) error { return p.body(t, c) }))
}

func talk(t protocol.Transport, c *deferred.Coroutine) error {
	for s := "1"; ; s += "1" {
		if _, err := t.Write([]byte(s + "\n")); err != nil {
			return err
		}
		if err := c.Sleep(time.Second); err != nil {
			return err
		}
	}
}

func connect(t *testing.T, p protocol.Protocol) *protocoltest.Transport {
	tr := protocoltest.Connect(p)
	t.Cleanup(tr.Reset)
	return tr
}

// The coroutine of a connection writes as a callback does, and ends with it.
func TestCoroutineOfAConnection(t *testing.T) {
	before := runtime.NumGoroutine()
	p := &talker{body: talk}
	tr := connect(t, p)
	assert.Equal(t, "1\n", tr.Take())
	tr.Advance(2 * time.Second)
	assert.Equal(t, "11\n111\n", tr.Take())
	tr.Reset()
	assert.ErrorIs(t, p.done.err, deferred.ErrCancelled)
	assert.True(t, protocol.IsReset(p.done.err), p.done.err)
	assert.Zero(t, tr.Timers())
	settlesAt(t, before)

	tr = connect(t, &talker{body: talk})
	tr.EOF()
	assert.Equal(t, protocol.ErrConnectionDone, tr.Lost())
	assert.Zero(t, tr.Timers())
}

// A panic in the coroutine of a connection aborts that, as one in a callback.
func TestPanicAbortsTheConnection(t *testing.T) {
	p := &talker{body: func(protocol.Transport, *deferred.Coroutine) error { panic(errBad) }}
	tr := connect(t, p)
	assert.ErrorIs(t, p.done.err, errBad)
	assert.ErrorIs(t, tr.Lost(), errBad)

	p = &talker{body: func(protocol.Transport, *deferred.Coroutine) error { return errBad }}
	tr = connect(t, p)
	assert.Equal(t, errBad, p.done.err)
	assert.NoError(t, tr.Lost(), "an error is no panic")
}

// The end of the loop ends its coroutines, so no stack is left.
func TestCoroutinesEndWithTheLoop(t *testing.T) {
	w := newWorld()
	before := runtime.NumGoroutine()
	var os []*outcome[struct{}]
	forever := func(c *deferred.Coroutine) error {
		_, err := deferred.Wait(c, deferred.New[int](w))
		return err
	}
	w.do(func() {
		for range 100 {
			os = append(os, outcomeOf(deferred.Run(w, forever)))
		}
	})
	require.Greater(t, runtime.NumGoroutine(), before+90)
	w.Stop()
	w.Settle()
	for _, o := range os {
		assert.ErrorIs(t, o.err, deferred.ErrCancelled)
		assert.ErrorIs(t, o.err, protocol.ErrStopped)
	}
	settlesAt(t, before)
}

// Ask and Await in a coroutine would wait for the loop that runs it.
func TestCoroutineIsOnTheLoop(t *testing.T) {
	w := newWorld()
	first := deferred.New[int](w)
	w.do(func() {
		o := outcomeOf(deferred.Run(w, func(c *deferred.Coroutine) error {
			assert.True(t, w.OnLoop())
			_, err := deferred.Wait(c, first)
			assert.True(t, w.OnLoop())
			outcomeOf(deferred.Run(w, func(c *deferred.Coroutine) error {
				assert.True(t, w.OnLoop())
				return nil
			}))
			assert.True(t, w.OnLoop())
			return err
		}))
		assert.True(t, w.OnLoop())
		first.Fire(1, nil)
		assert.True(t, w.OnLoop())
		assert.Equal(t, 1, o.times)
	})
	assert.False(t, w.OnLoop())
}
