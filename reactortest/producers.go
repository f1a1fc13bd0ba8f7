package reactortest

import (
	"bytes"
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

var producers = []law{
	{"PullProducerIsResumedUntilItIsDone", pullProducer},
	{"PushProducerIsPacedByThePeer", pushProducer},
	{"LoseConnectionWaitsForAProducer", loseWaitsForProducer},
	{"CloseWriteWaitsForAProducer", closeWriteWaitsForProducer},
	{"SecondProducerIsRefused", secondProducer},
	{"ProducerIsToldOfTheEndOnce", producerStopped},
	{"ProducerOnAClosedConnectionIsStopped", producerTooLate},
	{"PausesOfAProducerComeInPairs", producerPairs},
	{"PullProducerMayWriteLater", pullLater},
	{"PullProducerWaitsForFiles", pullBehindFiles},
	{"LoseConnectionResumesAPausedProducer", losePausedProducer},
	{"PeersEndDoesNotStopAProducer", producerAfterEOF},
	{"SilentProducerIsTimedOut", silentProducer},
	{"ProducerMayEndItsConnection", producerEnds},
	{"PanicOfAProducerEndsItsConnection", producerPanics},
	{"ProducerMayBeReplaced", producerReplaced},
}

// A source is a producer that does what the law at hand tells it.
type source struct {
	w        *world
	d        diary
	onResume func()
	onPause  func()
	onStop   func()
	inside   bool
}

func (s *source) ResumeProducing() { s.event("resume", s.onResume) }
func (s *source) PauseProducing()  { s.event("pause", s.onPause) }
func (s *source) StopProducing()   { s.event("stop", s.onStop) }

func (s *source) event(name string, f func()) {
	if s.inside {
		s.w.Errorf("%s was called inside another call", name)
	}
	s.d.note(name)
	s.inside = true
	defer func() { s.inside = false }()
	if f != nil {
		f()
	}
}

func registry(w *world, p *probe) protocol.ProducerRegistry {
	r, ok := protocol.As[protocol.ProducerRegistry](p.Transport)
	require.True(w, ok)
	return r
}

// A pull producer is asked each time that all it wrote was taken, in a later
// turn than its registration, and never paused; meanwhile others are served.
func pullProducer(w *world) {
	w.start()
	const chunk, chunks = 50_000, 100
	p, peer, s := w.probe(), w.probe(), &source{w: w}
	n := 0
	s.onResume = func() {
		assert.Zero(w, p.Buffered())
		if n++; n > chunks {
			registry(w, p).UnregisterProducer()
			return
		}
		p.Write(bytes.Repeat([]byte("x"), chunk))
	}
	p.onMade = func() {
		s.inside = true
		assert.NoError(w, registry(w, p).RegisterProducer(s, false))
		s.inside = false
		p.LoseConnection()
	}
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.Len(w, peer.input, chunk*chunks)
	assert.NotContains(w, s.d.read(), "pause")
	assert.NotContains(w, s.d.read(), "stop")
}

// A push producer is paused above the high-water mark and resumed below the low.
func pushProducer(w *world) {
	w.start()
	p, peer, s := w.probe(), w.greeter(func(p *probe) { p.PauseReading() }), &source{w: w}
	w.pair(p, peer)
	w.on(func() {
		registry(w, p).RegisterProducer(s, true)
		p.Write(make([]byte, 8<<20))
	})
	w.on(func() { assert.Equal(w, []string{"pause"}, s.d.read()); peer.ResumeReading() })
	w.until(func() bool { return len(s.d.read()) == 2 })
	assert.Equal(w, []string{"pause", "resume"}, s.d.read())
	w.on(func() { p.Abort() })
	p.end()
}

// LoseConnection waits for a producer, paused or not, and what it still writes
// is delivered.
func loseWaitsForProducer(w *world) {
	w.start()
	p, peer, s := w.probe(), w.probe(), &source{w: w}
	w.pair(p, peer)
	w.on(func() { registry(w, p).RegisterProducer(s, true); p.LoseConnection() })
	w.on(func() {
		assert.NoError(w, p.reason)
		_, err := p.Write([]byte("more"))
		assert.NoError(w, err)
		registry(w, p).UnregisterProducer()
		closed(w, p)
	})
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.Equal(w, "more", string(peer.input))
}

// So does CloseWrite.
func closeWriteWaitsForProducer(w *world) {
	w.start()
	p, peer, s := w.probe(), w.halfOpen(), &source{w: w}
	w.pair(p, peer)
	w.on(func() { registry(w, p).RegisterProducer(s, true); p.CloseWrite() })
	w.on(func() { p.Write([]byte("more")); registry(w, p).UnregisterProducer(); closed(w, p) })
	wait(w, peer.eof)
	w.on(func() { assert.Equal(w, "more", string(peer.input)); peer.LoseConnection() })
	p.end()
}

// There is one producer at a time.
func secondProducer(w *world) {
	w.start()
	p := w.probe()
	w.pair(p, w.probe())
	w.on(func() {
		r := registry(w, p)
		assert.NoError(w, r.RegisterProducer(&source{w: w}, true))
		assert.Equal(w, protocol.ErrProducer, r.RegisterProducer(&source{w: w}, true))
		r.UnregisterProducer()
		r.UnregisterProducer()
		assert.NoError(w, r.RegisterProducer(&source{w: w}, false))
	})
}

// The end of the connection, by whomever, stops the producer, once, and before
// ConnectionLost. To take it back then does nothing.
func producerStopped(w *world) {
	w.start()
	for _, streaming := range []bool{false, true} {
		for _, end := range []func(p, peer *probe){
			func(p, _ *probe) { p.Abort() },
			func(p, _ *probe) { p.LoseConnection(); p.Abort() },
			func(_, peer *probe) { peer.Abort() },
		} {
			p, peer, s := w.probe(), w.probe(), &source{w: w}
			s.onStop = func() { assert.False(w, p.over) }
			w.pair(p, peer, factory.Socket{CloseTimeout: 50 * time.Millisecond}) // Unix sockets know no reset
			w.on(func() { assert.NoError(w, registry(w, p).RegisterProducer(s, streaming)); end(p, peer) })
			p.end()
			w.on(func() { registry(w, p).UnregisterProducer() })
			assert.Equal(w, []string{"stop"}, slices.DeleteFunc(s.d.read(), func(e string) bool { return e == "resume" }))
		}
	}
}

// A producer for a connection that is closing or over is told at once.
func producerTooLate(w *world) {
	w.start()
	for _, end := range []func(p *probe){(*probe).lose, (*probe).abort, (*probe).halfClose} {
		p, peer := w.probe(), w.probe()
		w.pair(p, peer)
		late := func() {
			s := &source{w: w}
			assert.NoError(w, registry(w, p).RegisterProducer(s, true))
			assert.Equal(w, []string{"stop"}, s.d.read())
		}
		p.onLost = func(error) { late() }
		w.on(func() { end(p); late() })
		p.end()
		w.on(late)
	}
}
