package reactortest

import (
	"context"
	"slices"
	"sync"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
)

var calls = []law{
	{"CallsBeforeRunWaitAndKeepOrder", callsBeforeRun},
	{"CallsOfEachGoroutineKeepOrder", callsKeepOrder},
	{"CallOfATurnRunsLater", callRunsLater},
	{"CallWakesASleepingLoop", callWakes},
	{"AcceptedCallsRunUntilTheEnd", callsUntilTheEnd},
	{"AskAnswers", askAnswers},
}

// Nothing runs before Run, and then all in the order in which it was posted.
func callsBeforeRun(w *world) {
	w.make()
	var got []int
	for i := range 1000 {
		require.NoError(w, w.Call(func() { got = append(got, i) }))
	}
	assert.Empty(w, got)
	w.run()
	w.on(func() {
		assert.Len(w, got, 1000)
		assert.True(w, slices.IsSorted(got))
	})
}

// Calls from many goroutines all run, those of each in order.
func callsKeepOrder(w *world) {
	w.start()
	const each = 2000
	last := make([]int, 4)
	var wg sync.WaitGroup
	for g := range last {
		wg.Go(func() {
			for i := range each {
				assert.NoError(w, w.Call(func() {
					if last[g] != i {
						w.Errorf("call %d of goroutine %d came after %d others", i, g, last[g])
					}
					last[g] = i + 1
				}))
			}
		})
	}
	wg.Wait()
	w.on(func() { assert.Equal(w, []int{each, each, each, each}, last) })
}

// A call posted on the loop runs in a later turn: after what waited already.
func callRunsLater(w *world) {
	w.make()
	var d diary
	done := make(chan struct{})
	w.Call(func() {
		w.Call(func() { d.note("posted inside"); close(done) })
		d.note("first")
	})
	w.Call(func() { d.note("second") })
	w.run()
	wait(w, done)
	assert.Equal(w, []string{"first", "second", "posted inside"}, d.read())
}

// A loop with nothing to do hears a call; a hundred times, because the moment
// between looking and sleeping is short.
func callWakes(w *world) {
	w.start()
	for range 100 {
		w.on(func() {})
	}
}

// A call that was answered with nil runs, even if the reactor stops meanwhile.
func callsUntilTheEnd(w *world) {
	w.start()
	ran, taken := 0, 0
	w.Stop()
	for w.Call(func() { ran++ }) == nil {
		taken++
	}
	w.end()
	assert.Equal(w, taken, ran)
}

// Ask brings an answer back, and says when there is none.
func askAnswers(w *world) {
	w.start()
	type answer struct {
		v   int
		err error
	}
	got := make(chan answer, 1)
	ask := func(f func() int) answer {
		go func() {
			v, err := protocol.Ask(context.Background(), w.Reactor, f)
			got <- answer{v, err}
		}()
		return wait(w, got)
	}
	assert.Equal(w, answer{7, nil}, ask(func() int { return 7 }))
	assert.ErrorIs(w, ask(func() int { panic("no") }).err, protocol.ErrPanicked)
}
