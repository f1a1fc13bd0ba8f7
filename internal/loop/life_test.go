package loop_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
)

// Those who stop a loop unless somebody has (its context's end, the pool's other loops)
// are no second Stop to one another, which would abort what is to be drained.
func TestStopOnceIsOneStop(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	for range 500 {
		k := memnet.New(loop.Config{Watchdog: -1, DrainTimeout: -1})
		k.Loop.BeforeShutdown(func(func()) {}) // for ever, but for a second Stop
		var all sync.WaitGroup
		start := make(chan struct{})
		for range 32 {
			all.Go(func() { <-start; k.Loop.StopOnce() })
		}
		close(start)
		all.Wait()
		k.Settle()
		assert.False(t, k.Loop.Finished())
		k.Loop.Stop()
		k.Settle()
		assert.True(t, k.Loop.Finished())
	}
}

// Who asks in an AfterShutdown function to be told of the end is told too: a coroutine
// that is begun there would wait for ever, on a goroutine of its own.
func TestWhenStoppedIsToldAfterShutdown(t *testing.T) {
	k := newKernel(t, loop.Config{})
	var got []string
	k.Loop.AfterShutdown(func() {
		k.Loop.WhenStopped(func() { got = append(got, "told") })
		k.Loop.WhenStopped(func() { got = append(got, "forgotten") })()
	})
	k.Loop.AfterShutdown(func() { got = append(got, "last") })
	k.Loop.Stop()
	k.Settle()
	assert.Equal(t, []string{"told", "last"}, got)
}
