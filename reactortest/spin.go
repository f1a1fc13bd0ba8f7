package reactortest

import (
	"net"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
)

// hang ends a conn with a reset.
func hang(c net.Conn) {
	if l, ok := c.(interface{ SetLinger(sec int) error }); ok {
		l.SetLinger(0)
	}
	c.Close()
}

// A paused connection hears of a reset without being resumed, also if an end of
// stream came before.
func pausedReset(w *world) {
	w.start()
	if w.Network == "unix" {
		w.Skip("Unix sockets know no reset")
	}
	for _, half := range []bool{false, true} {
		p, peer := w.greeter(func(p *probe) { p.PauseReading() }), w.halfOpen()
		w.pair(p, peer)
		w.on(func() {
			if half {
				peer.CloseWrite()
			}
		})
		w.pass(5 * time.Millisecond)
		w.on(func() { assert.NoError(w, p.reason); peer.Abort() })
		assert.True(w, protocol.IsReset(p.end()), "%v", p.reason)
		assert.Empty(w, p.input)
	}
}

// turns returns how many turns the reactor runs in 50 ms, or skips the law.
func (w *world) turns() uint64 {
	w.Helper()
	count, ok := turnsOf(w.bare())
	if !ok {
		w.Skip("this reactor does not count its turns")
	}
	var before, after uint64
	w.on(func() { before = count() })
	w.pass(50 * time.Millisecond)
	w.on(func() { after = count() })
	return after - before
}

// A paused connection whose peer goes on sending, ends its stream, or goes away
// leaves the loop asleep; after the pause all is there.
func pausedNoSpin(w *world) {
	w.start()
	for name, act := range map[string]func(c net.Conn){
		"sends":  func(c net.Conn) { c.Write(make([]byte, 1000)) },
		"halves": func(c net.Conn) { c.Write([]byte("x")); c.(interface{ CloseWrite() error }).CloseWrite() },
		"closes": func(c net.Conn) { c.Write([]byte("x")); c.Close() },
		"resets": hang,
	} {
		p := w.greeter(func(p *probe) { p.PauseReading() })
		c := w.dial(w.serve(just(p)))
		wait(w, p.made)
		act(c)
		assert.Less(w, w.turns(), uint64(50), name)
		w.on(func() { p.ResumeReading() })
		if name == "sends" {
			p.has(1000)
			c.Close()
		}
		p.end()
	}
}

// A connection that keeps its own side open, or whose sides are both shut while
// it is paused, leaves the loop asleep.
func halvesNoSpin(w *world) {
	w.start()
	for _, shut := range []bool{false, true} {
		p := w.halfOpen()
		c := w.dial(w.serve(just(p)))
		wait(w, p.made)
		if shut {
			w.on(func() { p.PauseReading(); p.CloseWrite() })
		}
		require.NoError(w, c.(interface{ CloseWrite() error }).CloseWrite())
		if !shut {
			wait(w, p.eof)
		}
		assert.Less(w, w.turns(), uint64(50))
		w.on(func() {
			p.ResumeReading()
			if !shut {
				p.LoseConnection()
			}
		})
		assert.Equal(w, protocol.ErrConnectionDone, p.end())
	}
}
