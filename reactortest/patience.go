package reactortest

import (
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

var patiences = []law{
	{"LingerTimeoutEndsAClose", lingerTimeout},
	{"CloseTimeoutEndsAClose", closeTimeout},
	{"SlowPeerIsDropped", slowPeer},
	{"BacklogOfOthersIsBounded", backlogBounded},
}

// A peer that never answers our end of stream does not hold the connection.
func lingerTimeout(w *world) {
	w.start()
	p, peer := w.probe(), w.halfOpen()
	w.pair(p, peer, factory.Socket{LingerTimeout: 50 * time.Millisecond})
	w.on(func() { p.LoseConnection() })
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	w.on(func() { peer.LoseConnection() })
	peer.end()
}

// After LoseConnection a peer that takes nothing is waited for no longer than CloseTimeout.
func closeTimeout(w *world) {
	w.start()
	p, peer := w.probe(), w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, peer, factory.Socket{CloseTimeout: 50 * time.Millisecond})
	w.on(func() { p.Write(make([]byte, 8<<20)); p.LoseConnection() })
	assert.Equal(w, protocol.ErrCloseTimeout, p.end())
}

// A peer that takes nothing for SlowPeerTimeout is dropped.
func slowPeer(w *world) {
	w.start()
	p, peer := w.probe(), w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, peer, factory.Socket{SlowPeerTimeout: 50 * time.Millisecond})
	w.on(func() { p.Write(make([]byte, 8<<20)) })
	assert.Equal(w, protocol.ErrSlowPeer, p.end())
}

// What others write for a peer that does not read is bounded; a single large
// write on an empty queue is not.
func backlogBounded(w *world) {
	w.start()
	p, peer := w.probe(), w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, peer, factory.Socket{MaxBacklog: 1 << 20})
	w.on(func() { p.Write(make([]byte, 8<<20)) })
	w.on(func() { assert.NoError(w, p.reason) })
	for range 1000 {
		var over bool
		w.on(func() { p.Write(make([]byte, 10_000)); over = p.reason != nil; assert.Less(w, p.Buffered(), 10<<20) })
		if over {
			break
		}
	}
	assert.Equal(w, protocol.ErrSlowPeer, p.end())
}

// Timeouts count from what they are about, not from the beginning: a peer that
// is slow for a moment is not dropped because the connection is old.
func oldReactor(w *world) {
	w.start()
	const limit, age = 2 * time.Second, 5 * time.Second / 2 // a busy machine holds a test up for a second
	p, peer := w.probe(), w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, peer, factory.Socket{SlowPeerTimeout: limit, CloseTimeout: limit, LingerTimeout: limit})
	w.pass(age)
	w.on(func() { p.Write(make([]byte, 8<<20)) })
	w.pass(limit / 20)
	w.on(func() { assert.NoError(w, p.reason, "too early"); peer.ResumeReading() })
	w.until(func() bool { return p.Buffered() == 0 })
	w.pass(age)
	w.on(func() {
		assert.NoError(w, p.reason, "nothing waits")
		peer.PauseReading()
		p.Write(make([]byte, 8<<20))
		p.LoseConnection()
	})
	w.pass(limit / 20)
	w.on(func() { assert.NoError(w, p.reason, "too early"); peer.ResumeReading() })
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
}
