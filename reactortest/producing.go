package reactortest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// However much it writes while it is paused, and when it is resumed, a push
// producer hears one pause and one resume by turns. Meanwhile input comes: it is
// the producer that is paused, not the reading.
func producerPairs(w *world) {
	w.start()
	p, peer, s := w.probe(), w.greeter(func(p *probe) { p.PauseReading() }), &source{w: w}
	n := 0
	s.onResume = func() {
		if n++; n < 5 {
			p.Write(make([]byte, 8<<20))
			p.Write(make([]byte, 8<<20))
		}
	}
	s.onPause = func() { p.Write(make([]byte, 100_000)) }
	w.pair(p, peer)
	w.on(func() {
		registry(w, p).RegisterProducer(s, true)
		p.Write(make([]byte, 8<<20))
		p.Write(make([]byte, 8<<20))
		peer.Write([]byte("meanwhile"))
	})
	assert.Equal(w, "meanwhile", p.has(9))
	w.on(func() {
		assert.Equal(w, []string{"pause"}, s.d.read())
		peer.onData = func([]byte) { peer.input = nil }
		peer.ResumeReading()
	})
	w.until(func() bool { return n == 5 && p.Buffered() == 0 })
	assert.Equal(w, strings.Repeat("pause resume ", 5), strings.Join(s.d.read(), " ")+" ")
}

// A pull producer that has nothing at the moment writes later, and is asked for
// more when that has been taken.
func pullLater(w *world) {
	w.start()
	p, peer, s := w.probe(), w.probe(), &source{w: w}
	n := 0
	s.onResume = func() {
		if n++; n > 3 {
			registry(w, p).UnregisterProducer()
			return
		}
		p.AfterFunc(time.Millisecond, func() { p.Write([]byte("x")) })
	}
	p.onMade = func() { registry(w, p).RegisterProducer(s, false); p.LoseConnection() }
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.Equal(w, "xxx", string(peer.input))
	assert.Len(w, s.d.read(), 4)
}

// What a pull producer sends may be a file.
func pullBehindFiles(w *world) {
	w.start()
	content := noise(1 << 20)
	f := w.file(content)
	p, peer, s := w.probe(), w.probe(), &source{w: w}
	var fates []<-chan fate
	s.onResume = func() {
		for _, told := range fates {
			assert.Len(w, told, 1)
		}
		if len(fates) == 3 {
			registry(w, p).UnregisterProducer()
			return
		}
		fates = append(fates, p.ship(f, 0, -1))
	}
	p.onMade = func() { registry(w, p).RegisterProducer(s, false); p.LoseConnection() }
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.True(w, bytes.Equal(slices.Repeat(content, 3), peer.input))
}

// A push producer that is paused when LoseConnection comes is resumed, and what it
// still writes is delivered.
func losePausedProducer(w *world) {
	w.start()
	p, peer, s := w.probe(), w.greeter(func(p *probe) { p.PauseReading() }), &source{w: w}
	s.onResume = func() { p.Write([]byte("more")); registry(w, p).UnregisterProducer() }
	w.pair(p, peer)
	w.on(func() {
		registry(w, p).RegisterProducer(s, true)
		p.Write(make([]byte, 8<<20))
		p.LoseConnection()
	})
	w.on(func() { assert.Equal(w, []string{"pause"}, s.d.read()); peer.ResumeReading() })
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.True(w, bytes.HasSuffix(peer.input, []byte("\x00more")))
	assert.Equal(w, []string{"pause", "resume"}, s.d.read())
}

// Whoever ends his side still gets what the producer has.
func producerAfterEOF(w *world) {
	w.start()
	p, peer, s := w.probe(), w.halfOpen(), &source{w: w}
	n := 0
	s.onResume = func() {
		if n++; n > 10 {
			registry(w, p).UnregisterProducer()
			return
		}
		p.Write([]byte("x"))
	}
	p.onData = func([]byte) { registry(w, p).RegisterProducer(s, false) }
	peer.onMade = func() { peer.Write([]byte("?")); peer.CloseWrite() }
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.Equal(w, strings.Repeat("x", 10), string(peer.input))
	assert.NotContains(w, s.d.read(), "stop")
}

// A producer that neither goes on nor ends holds up a close for CloseTimeout.
func silentProducer(w *world) {
	w.start()
	p, peer, s := w.probe(), w.probe(), &source{w: w}
	w.pair(p, peer, factory.Socket{CloseTimeout: 50 * time.Millisecond})
	w.on(func() { registry(w, p).RegisterProducer(s, true); p.LoseConnection() })
	assert.Equal(w, protocol.ErrCloseTimeout, p.end())
	assert.Equal(w, []string{"stop"}, s.d.read())
}

// A producer may abort or close from inside its calls.
func producerEnds(w *world) {
	w.start()
	for _, c := range []struct {
		end  func(p *probe)
		want error
	}{{(*probe).abort, protocol.ErrConnectionAborted}, {(*probe).lose, protocol.ErrConnectionDone}} {
		p, peer, s := w.probe(), w.probe(), &source{w: w}
		s.onResume = func() {
			c.end(p)
			registry(w, p).UnregisterProducer()
			closed(w, p)
		}
		w.pair(p, peer)
		w.on(func() { registry(w, p).RegisterProducer(s, false) })
		assert.Equal(w, c.want, p.end())
		assert.Equal(w, []string{"resume"}, s.d.read())
	}
}

// A panic of a producer's is the reason of the end, which it hears all the same.
func producerPanics(w *world) {
	w.start()
	p, peer, s := w.probe(), w.probe(), &source{w: w}
	s.onResume = func() { panic(errOfUser) }
	s.onStop = s.onResume
	w.pair(p, peer)
	w.on(func() { registry(w, p).RegisterProducer(s, false) })
	var panicked *protocol.PanicError
	assert.True(w, errors.As(p.end(), &panicked), "%v", p.reason)
	assert.Equal(w, []string{"resume", "stop"}, s.d.read())
}

// One producer may hand over to the next, from inside its call, and a close still
// waits for that.
func producerReplaced(w *world) {
	w.start()
	p, peer, one, two := w.probe(), w.probe(), &source{w: w}, &source{w: w}
	one.onResume = func() {
		p.Write([]byte("one "))
		registry(w, p).UnregisterProducer()
		assert.NoError(w, registry(w, p).RegisterProducer(two, false))
		p.LoseConnection()
	}
	two.onResume = func() { p.Write([]byte("two")); registry(w, p).UnregisterProducer() }
	p.onMade = func() { registry(w, p).RegisterProducer(one, false) }
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.Equal(w, "one two", string(peer.input))
}
