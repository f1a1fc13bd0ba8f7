package reactortest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
)

var pauses = []law{
	{"PauseInConnectionMadeHolds", pauseInMade},
	{"PausesLoseNothing", pausesLoseNothing},
	{"ResumeNeverDeliversInside", resumeLater},
	{"ReadResumedComesBeforeInput", readResumed},
	{"PausedConnectionHearsTheEndAfterwards", pausedThenEOF},
	{"CutsAreInvisible", cutsInvisible},
	{"WriterIsPausedAndResumedInPairs", writerPaced},
	{"ReadingPausesForAFullOutput", automaticPause},
	{"AutomaticPauseLeavesTheUsersAlone", twoPauses},
	{"SuspensionsLeaveTheUsersAlone", suspensions},
	{"LentDataMayBeChanged", lentData},
}

// Who pauses in ConnectionMade gets nothing until he resumes.
func pauseInMade(w *world) {
	w.start()
	p := w.greeter(func(p *probe) { p.PauseReading(); assert.False(w, p.Reading()) })
	peer := w.greeter(func(p *probe) { p.Write([]byte("early")) })
	w.pair(p, peer)
	w.pass(5 * time.Millisecond)
	w.on(func() { assert.Empty(w, p.input); p.ResumeReading(); assert.True(w, p.Reading()) })
	assert.Equal(w, "early", p.has(5))
}

// A reader that pauses after each input, and resumes by a timer, gets all in order.
func pausesLoseNothing(w *world) {
	w.start()
	text := strings.Repeat("0123456789", 200_000)
	p := w.probe()
	p.onData = func([]byte) {
		p.PauseReading()
		p.PauseReading()
		p.AfterFunc(0, func() { p.ResumeReading(); p.ResumeReading() })
	}
	w.pair(p, w.greeter(func(p *probe) { p.Write([]byte(text)); p.LoseConnection() }))
	p.end()
	assert.True(w, text == string(p.input))
}

// Pausing and resuming in one event is as if nothing had been, and input that
// waits comes in a later one.
func resumeLater(w *world) {
	w.start()
	p := w.greeter(func(p *probe) { p.PauseReading() })
	p.onData = func([]byte) { p.PauseReading(); p.ResumeReading() }
	w.pair(p, w.greeter(func(p *probe) { p.Write([]byte("input")) }))
	w.pass(5 * time.Millisecond)
	w.on(func() {
		p.event("the test", func() { p.ResumeReading(); p.PauseReading(); p.ResumeReading() })
		assert.Empty(w, p.input)
	})
	assert.Equal(w, "input", p.has(5))
}

// ReadResumed comes in an event of its own, before any further input.
func readResumed(w *world) {
	w.start()
	r := &resumed{probe: w.greeter(func(p *probe) { p.PauseReading() })}
	told := make(chan struct{})
	r.onResumed = func() {
		assert.Empty(w, r.input)
		assert.True(w, r.Reading())
		close(told)
	}
	w.pair(r, w.greeter(func(p *probe) { p.Write([]byte("input")) }))
	w.on(func() { r.event("the test", func() { r.ResumeReading() }) })
	wait(w, told)
	assert.Equal(w, "input", r.has(5))
}

// What a peer sent before it closed is there after the pause, and then the end.
func pausedThenEOF(w *world) {
	w.start()
	p := w.greeter(func(p *probe) { p.PauseReading() })
	peer := w.greeter(func(p *probe) { p.Write([]byte("testament")); p.LoseConnection() })
	w.pair(p, peer)
	w.pass(5 * time.Millisecond)
	w.on(func() { assert.NoError(w, p.reason); assert.Empty(w, p.input); p.ResumeReading() })
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	assert.Equal(w, "testament", string(p.input))
}

// However the peer cuts its stream, the bytes are the same.
func cutsInvisible(w *world) {
	w.start()
	text := strings.Repeat("the quick brown fox ", 50)
	for _, size := range []int{1, 7, 100, len(text)} {
		p, peer := w.probe(), w.probe()
		w.pair(p, peer)
		for piece := range slices.Chunk([]byte(text), size) {
			w.on(func() { peer.Write(piece) })
		}
		w.on(func() { peer.LoseConnection() })
		p.end()
		assert.Equal(w, text, string(p.input))
	}
}

// A WritePauser hears of the high-water mark and of the low one, never inside
// its Write, and goes on reading meanwhile.
func writerPaced(w *world) {
	w.start()
	p, peer := w.paced(), w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, peer)
	for range 3 {
		w.on(func() {
			p.event("the test", func() { p.Write(make([]byte, 8<<20)) })
			assert.True(w, p.Reading())
		})
		w.until(func() bool { return len(p.heard)%2 == 1 })
		w.on(func() { peer.ResumeReading() })
		w.until(func() bool { return len(p.heard)%2 == 0 })
		w.on(func() { assert.Less(w, p.Buffered(), 64<<10+1); peer.PauseReading() })
	}
}

// Who is no WritePauser is not read from, as of the Write that went over the
// mark, until his output has gone down.
func automaticPause(w *world) {
	w.start()
	r, peer := &resumed{probe: w.probe()}, w.paced()
	peer.onMade = func() { peer.PauseReading() }
	told := make(chan struct{})
	r.onResumed = func() { close(told) }
	w.pair(r, peer)
	w.on(func() {
		assert.True(w, r.Reading())
		r.Write(make([]byte, 16<<20))
		assert.False(w, r.Reading())
		peer.Write([]byte("meanwhile"))
	})
	w.pass(5 * time.Millisecond)
	w.on(func() { assert.Empty(w, r.input); peer.ResumeReading() })
	wait(w, told)
	assert.Equal(w, "meanwhile", r.has(9))
}

// The end of the automatic pause does not undo the user's, nor the other way round.
func twoPauses(w *world) {
	w.start()
	p, peer := w.probe(), w.paced()
	peer.onMade = func() { peer.PauseReading() }
	w.pair(p, peer)
	w.on(func() {
		p.PauseReading()
		p.Write(make([]byte, 16<<20))
		p.ResumeReading()
		assert.False(w, p.Reading(), "the output is full")
		p.PauseReading()
		peer.ResumeReading()
	})
	w.until(func() bool { return p.Buffered() == 0 })
	w.on(func() {
		assert.False(w, p.Reading(), "the user has paused")
		p.ResumeReading()
		assert.True(w, p.Reading())
	})
}

// Reading is suspended until the last who asked for it has enough, and neither that
// nor the user's pause ends the other. An end of the connection ends all.
func suspensions(w *world) {
	w.start()
	p, peer := w.probe(), w.probe()
	w.pair(p, peer)
	s, ok := protocol.As[protocol.ReadSuspender](p.Transport)
	require.True(w, ok)
	var one, two func()
	w.on(func() {
		one, two = s.SuspendReading(), s.SuspendReading()
		p.PauseReading()
		p.ResumeReading()
		one()
		one()
		assert.False(w, p.Reading(), "one is left")
		peer.Write([]byte("input"))
	})
	w.pass(5 * time.Millisecond)
	w.on(func() {
		assert.Empty(w, p.input)
		p.PauseReading()
		p.event("the test", two)
		assert.False(w, p.Reading(), "the user has paused")
		p.event("the test", p.ResumeReading)
		assert.True(w, p.Reading())
	})
	assert.Equal(w, "input", p.has(5))
	w.on(func() { one = s.SuspendReading(); p.Abort(); two = s.SuspendReading() })
	p.end()
	w.on(func() { one(); two(); assert.False(w, p.Reading()) })
}

// A protocol may work in the data it is lent; others do not see it.
func lentData(w *world) {
	w.start()
	p, peer := w.probe(), w.probe()
	p.onData = func(data []byte) {
		p.Write(bytes.ToUpper(data))
		p.Write(data)
		clear(data)
	}
	peer.onMade = func() { peer.Write([]byte("a")) }
	w.pair(p, peer)
	assert.Equal(w, "Aa", peer.has(2))
}
