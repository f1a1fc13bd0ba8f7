package reactortest

import (
	"sync/atomic"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var work = []law{
	{"WorkRunsBesideTheLoop", workBeside},
	{"WorkersAreBounded", workersBounded},
	{"PanicInWorkLosesNoOther", workPanics},
	{"StopWaitsForWork", stopWaitsForWork},
	{"StopWaitsForWorkThatFollows", stopWaitsForFollowing},
}

// Work that waits for the loop gets its answer: it does not hold it.
func workBeside(w *world) {
	w.make()
	done := make(chan struct{})
	require.NoError(w, w.Work(func() {
		heard := make(chan struct{})
		assert.NoError(w, w.Call(func() { close(heard) }))
		<-heard
		close(done)
	}))
	w.run()
	wait(w, done)
}

// There are never more goroutines at work than Config.Workers.
func workersBounded(w *world) {
	w.start(Config{Workers: 2})
	var busy, most atomic.Int32
	done := make(chan struct{}, 50)
	for range cap(done) {
		require.NoError(w, w.Work(func() {
			if n := busy.Add(1); n > most.Load() {
				most.Store(n)
			}
			busy.Add(-1)
			done <- struct{}{}
		}))
	}
	for range cap(done) {
		wait(w, done)
	}
	assert.LessOrEqual(w, most.Load(), int32(2))
}

// Work that panics is logged; the next runs.
func workPanics(w *world) {
	w.start(Config{Workers: 1})
	done := make(chan struct{})
	require.NoError(w, w.Work(func() { panic("work") }))
	require.NoError(w, w.Work(func() { close(done) }))
	wait(w, done)
}

// What has begun when the reactor stops can still hand its result over.
func stopWaitsForWork(w *world) {
	w.start()
	stopped, ran := make(chan struct{}), false
	require.NoError(w, w.Work(func() {
		<-stopped
		assert.NoError(w, w.Call(func() { ran = true }))
	}))
	w.Stop()
	w.on(func() {})
	close(stopped)
	w.end()
	assert.True(w, ran)
}

// So can what the results of other work begin.
func stopWaitsForFollowing(w *world) {
	w.start()
	const rounds = 500
	ran := 0
	var next func()
	next = func() {
		if ran++; ran < rounds {
			assert.NoError(w, w.Work(func() { assert.NoError(w, w.Call(next)) }))
		}
	}
	w.on(next)
	w.Stop()
	w.end()
	assert.Equal(w, rounds, ran)
}
