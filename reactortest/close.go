package reactortest

import (
	"bytes"
	"net"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

var closes = []law{
	{"WriteFollowsTheCloseTable", writeTable},
	{"ClosesFollowTheCloseTable", closesTable},
	{"LoseConnectionDelivers", loseDelivers},
	{"LoseConnectionIsTheLastButOneEvent", loseEndsEvents},
	{"AbortDropsWhatWaits", abortDrops},
	{"AbortIsLegalInEveryEvent", abortAnywhere},
	{"CloseWriteLeavesReading", closeWrite},
	{"CloseWriteOfBothEndsIt", closeWriteBoth},
	{"PeersEndStillGetsItsAnswer", eofAnswered},
	{"EOFReceiverDecides", eofDecides},
	{"NobodyVanishesFromARange", nobodyVanishes},
}

// closed is what a Write after the end is answered with.
func closed(w *world, p protocol.Transport) {
	w.Helper()
	n, err := p.Write([]byte("late"))
	assert.Zero(w, n)
	assert.ErrorIs(w, err, net.ErrClosed)
}

// Write is queued while the connection is open, and net.ErrClosed afterwards.
func writeTable(w *world) {
	w.start()
	for _, end := range []func(p *probe){(*probe).lose, (*probe).abort, (*probe).halfClose} {
		p, peer := w.probe(), w.probe()
		p.onLost = func(error) { closed(w, p) }
		w.pair(p, peer)
		w.on(func() {
			n, err := p.Write([]byte("word"))
			assert.NoError(w, err)
			assert.Equal(w, 4, n)
			end(p)
			closed(w, p)
		})
		p.end()
		w.on(func() { closed(w, p) })
		peer.end()
		assert.Contains(w, []string{"", "word"}, string(peer.input))
	}
}

func (p *probe) lose()      { p.LoseConnection() }
func (p *probe) abort()     { p.Abort() }
func (p *probe) halfClose() { p.CloseWrite() }

// After the end all calls do nothing; before it the stronger close wins.
func closesTable(w *world) {
	w.start()
	ends := map[string]func(p *probe){"lose": (*probe).lose, "abort": (*probe).abort, "half": (*probe).halfClose,
		"pause": func(p *probe) { p.PauseReading() }, "resume": func(p *probe) { p.ResumeReading() }}
	for first, f := range ends {
		for second, g := range ends {
			want := protocol.ErrConnectionDone
			if first == "abort" || second == "abort" {
				want = protocol.ErrConnectionAborted
			}
			p, peer := w.probe(), w.probe()
			p.onLost = func(error) {
				for _, h := range ends {
					h(p)
				}
				assert.False(w, p.Reading())
			}
			w.pair(p, peer)
			w.on(func() { f(p); g(p); f(p) })
			w.on(func() { p.LoseConnection() })
			assert.ErrorIs(w, p.end(), want, "%s, then %s", first, second)
			w.on(func() {
				for _, h := range ends {
					h(p)
				}
			})
			peer.end()
		}
	}
}

// What was written before LoseConnection arrives whole, and the end is clean on both sides.
func loseDelivers(w *world) {
	w.start()
	text := strings.Repeat("0123456789", 100_000)
	p := w.greeter(func(p *probe) { p.Write([]byte(text)); p.LoseConnection() })
	peer := w.probe()
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	assert.Equal(w, protocol.ErrConnectionDone, peer.end())
	assert.True(w, text == string(peer.input))
}

// After LoseConnection no input is handed up, and Reading is false at once.
func loseEndsEvents(w *world) {
	w.start()
	p, peer := w.probe(), w.probe()
	p.onMade = func() {
		assert.True(w, p.Reading())
		p.LoseConnection()
		assert.False(w, p.Reading())
	}
	peer.onMade = func() { peer.Write(bytes.Repeat([]byte("x"), 200_000)) }
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	assert.Empty(w, p.input)
	peer.end()
}

// Abort delivers nothing that waits, and the peer sees that it was no clean end,
// where the network has a way to say so.
func abortDrops(w *world) {
	w.start()
	p, peer := w.probe(), w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, peer)
	w.on(func() { p.Write(make([]byte, 8<<20)) })
	w.on(func() {
		assert.Positive(w, p.Buffered())
		p.Abort()
	})
	assert.Equal(w, protocol.ErrConnectionAborted, p.end())
	w.on(func() { peer.ResumeReading() })
	reason := peer.end()
	assert.Less(w, len(peer.input), 8<<20)
	if w.Network != "unix" {
		assert.True(w, protocol.IsReset(reason), "%v", reason)
	}
}

// Abort, once or twice, inside any event: ConnectionLost comes once, afterwards.
func abortAnywhere(w *world) {
	w.start()
	for _, where := range []string{"made", "data", "eof", "timer", "lost"} {
		p, peer := w.halfOpen(), w.probe()
		in := func(event string) {
			if event == where {
				p.Abort()
				p.Abort()
				p.LoseConnection()
			}
		}
		p.onMade = func() { in("made"); p.AfterFunc(time.Millisecond, func() { in("timer") }) }
		p.onData = func([]byte) { in("data") }
		p.onLost = func(error) { in("lost") }
		p.onEOF = func() bool { in("eof"); return true }
		peer.onMade = func() { peer.Write([]byte("x")); peer.CloseWrite() }
		w.join(w.serve(just(p)), peer) // which may find it gone already
		wait(w, p.made)
		if where == "lost" {
			w.on(func() { p.LoseConnection() })
		}
		p.end()
	}
}

// CloseWrite sends an end of stream, and input goes on coming.
func closeWrite(w *world) {
	w.start()
	p, peer := w.probe(), w.halfOpen()
	p.onMade = func() { p.Write([]byte("question")); p.CloseWrite() }
	peer.onEOF = func() bool {
		peer.Write([]byte("answer"))
		return true
	}
	w.pair(p, peer)
	assert.Equal(w, "answer", p.has(6))
	assert.Equal(w, "question", string(peer.input))
	w.on(func() { assert.NoError(w, p.reason); peer.LoseConnection() })
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	assert.Equal(w, protocol.ErrConnectionDone, peer.end())
}

// When both sides have been closed for writing the connection has ended.
func closeWriteBoth(w *world) {
	w.start()
	p, peer := w.halfOpen(), w.halfOpen()
	w.pair(p, peer)
	w.on(func() { p.CloseWrite() })
	wait(w, peer.eof)
	w.on(func() { peer.CloseWrite() })
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	assert.Equal(w, protocol.ErrConnectionDone, peer.end())
}

// Whoever sends a question and the end of its stream gets the answer.
func eofAnswered(w *world) {
	w.start()
	peer := w.halfOpen()
	peer.onMade = func() { peer.Write([]byte("question")); peer.CloseWrite() }
	p := w.echoer()
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.Equal(w, "question", string(peer.input))
}

// The end of the stream is told once, after all data; false closes, and what was
// written is delivered.
func eofDecides(w *world) {
	w.start()
	p, peer := w.halfOpen(), w.halfOpen()
	p.onEOF = func() bool {
		assert.Equal(w, "all", string(p.input))
		assert.False(w, p.Reading())
		p.Write([]byte("owed"))
		return false
	}
	peer.onMade = func() { peer.Write([]byte("all")); peer.CloseWrite() }
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.Equal(w, "owed", string(peer.input))
}

// Ending all members of a room inside one event tells none of them meanwhile.
func nobodyVanishes(w *world) {
	w.start()
	room := make(map[*probe]bool)
	ranging := false
	port := w.serve(factory.Each(func() protocol.Protocol {
		p := w.probe()
		p.onMade = func() { room[p] = true }
		p.onLost = func(error) { assert.False(w, ranging); delete(room, p) }
		return p
	}))
	for range 10 {
		w.join(port, w.probe())
	}
	w.until(func() bool { return len(room) == 10 })
	w.on(func() {
		ranging = true
		for p := range room {
			p.Write([]byte("bye"))
			p.LoseConnection()
			p.Abort()
		}
		assert.Len(w, room, 10)
		ranging = false
	})
	w.until(func() bool { return len(room) == 0 })
}
