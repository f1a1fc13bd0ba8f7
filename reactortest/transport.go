package reactortest

import (
	"errors"
	"net"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
)

var transports = []law{
	{"SetReasonHoldsTheFirst", setReason},
	{"DrainedTellsWhatWasTaken", drained},
	{"DrainedIsToldBeforeTheEnd", drainedBeforeTheEnd},
	{"EndedComesBeforeConnectionLost", endedFirst},
	{"RemoteWritesInOrder", remoteWrites},
	{"FlushComesOncePerTurn", flushOnce},
	{"SharedAndOwnWritesKeepOrder", sharedOrder},
	{"AddressesMatchAndStay", addresses},
	{"TCPIsTunedWhileTheConnectionLives", tuning},
}

// The first reason given is what ConnectionLost is told.
func setReason(w *world) {
	w.start()
	mine := &net.AddrError{Err: "mine"}
	p := w.greeter(func(p *probe) {
		n, ok := protocol.As[protocol.Notifier](p.Transport)
		require.True(w, ok)
		n.SetReason(mine)
		n.SetReason(net.ErrClosed)
		p.LoseConnection()
	})
	w.pair(p, w.probe())
	assert.Equal(w, error(mine), p.end())
}

// Drained comes once all written before was taken, also after LoseConnection, and
// with the reason if that will not happen; never from inside Drained.
func drained(w *world) {
	w.start()
	told := make(chan error, 3)
	p, peer := w.probe(), w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, peer)
	w.on(func() {
		n, _ := protocol.As[protocol.Notifier](p.Transport)
		p.Write(make([]byte, 8<<20))
		inside := true
		n.Drained(func(err error) { assert.False(w, inside); told <- err })
		inside = false
		p.LoseConnection()
	})
	w.pass(time.Millisecond)
	assert.Empty(w, told)
	w.on(func() { peer.ResumeReading() })
	assert.NoError(w, wait(w, told))
	p.end()
	w.on(func() {
		n, _ := protocol.As[protocol.Notifier](p.Transport)
		n.Drained(func(err error) { told <- err })
	})
	assert.Equal(w, protocol.ErrConnectionDone, wait(w, told))
}

// Ended is told before ConnectionLost, unless it was taken back; and later to
// whoever asks when it is over.
func endedFirst(w *world) {
	w.start()
	var d diary
	p := w.probe()
	var n protocol.Notifier
	p.onLost = func(error) { d.note("lost") }
	w.pair(p, w.probe())
	w.on(func() {
		n, _ = protocol.As[protocol.Notifier](p.Transport)
		n.Ended(func(err error) { d.note(err.Error()) })
		n.Ended(func(error) { d.note("forgotten") })()
		p.Abort()
	})
	p.end()
	late := make(chan error, 1)
	w.on(func() { n.Ended(func(err error) { late <- err }) })
	assert.Equal(w, protocol.ErrConnectionAborted, wait(w, late))
	assert.Equal(w, []string{protocol.ErrConnectionAborted.Error(), "lost"}, d.read())
}

// What a goroutine writes by a Remote arrives in order, and the end behind it.
func remoteWrites(w *world) {
	w.start()
	p, peer := w.probe(), w.probe()
	w.pair(p, peer)
	var r *protocol.Remote
	w.on(func() { r = protocol.NewRemote(p.Transport) })
	want := ""
	for i := range 1000 {
		s := strings.Repeat(string(rune('a'+i%26)), i%100)
		want += s
		_, err := r.Write([]byte(s))
		require.NoError(w, err)
	}
	r.LoseConnection()
	peer.end()
	assert.Equal(w, want, string(peer.input))
	p.end()
	_, err := r.Write([]byte("x"))
	assert.ErrorIs(w, err, net.ErrClosed)
}

// A Flusher is asked once for all that was written in a turn, and what it writes
// goes out with that.
func flushOnce(w *world) {
	w.start()
	flushes := 0
	s, peer := &sealer{probe: w.probe()}, w.probe()
	s.onFlush = func() { flushes++; s.Write([]byte(".")) }
	s.onMade = func() { s.Write([]byte("a")); s.Write([]byte("b")) }
	w.pair(s, peer)
	assert.Equal(w, "ab.", peer.has(3))
	w.on(func() { assert.Equal(w, 1, flushes) })
}

// Small, large, shared and borrowed writes leave in the order in which they were made.
func sharedOrder(w *world) {
	w.start()
	peer := w.probe()
	var want strings.Builder
	p := w.greeter(func(p *probe) {
		s, _ := protocol.As[protocol.SharedWriter](p.Transport)
		b, _ := protocol.As[protocol.BufferAvailer](p.Transport)
		require.True(w, s != nil && b != nil)
		arena := []byte(strings.Repeat("shared", 10_000))
		for i := range 60 {
			text := []byte(strings.Repeat(string(rune('a'+i%26)), 1+i*i*10))
			switch i % 4 {
			case 0, 1:
				p.Write(text)
			case 2:
				text = arena[i*100 : i*100+100]
				s.WriteShared(text)
			case 3:
				text = append(b.AvailableBuffer(), "borrowed"...)
				p.Write(text)
			}
			want.Write(text)
		}
		p.LoseConnection()
	})
	w.pair(p, peer)
	peer.end()
	assert.True(w, want.String() == string(peer.input))
}

// Each side's address is the other's peer; both stay valid after the end.
func addresses(w *world) {
	w.start()
	p, peer := w.probe(), w.probe()
	port := w.serve(just(p))
	w.join(port, peer)
	wait(w, p.made)
	wait(w, peer.made)
	check := func() {
		assert.Equal(w, port.Addr().String(), p.LocalAddr().String())
		assert.Equal(w, port.Addr().String(), peer.RemoteAddr().String())
		if w.Network != "unix" {
			assert.Equal(w, p.RemoteAddr().String(), peer.LocalAddr().String())
		}
	}
	w.on(check)
	w.on(func() { p.Abort() })
	p.end()
	peer.end()
	w.on(check)
}

// A connection's own socket can be tuned from the first event on and until its
// end, if it is one of TCP, and goes on as before.
func tuning(w *world) {
	w.start()
	tune := func(p *probe) []error {
		t, ok := protocol.As[protocol.TCPTuner](p.Transport)
		require.True(w, ok)
		return []error{
			t.SetNoDelay(false), t.SetNoDelay(true), t.SetOOBInline(true), t.SetOOBInline(false),
			t.SetKeepAlive(time.Millisecond), t.SetKeepAlive(0), t.SetKeepAlive(-1),
		}
	}
	are := func(want error, errs []error) {
		for i, err := range errs {
			assert.ErrorIs(w, err, want, "the %dth", i)
		}
	}
	open := error(nil)
	if w.Network == "unix" {
		open = errors.ErrUnsupported
	}
	p := w.greeter(func(p *probe) { are(open, tune(p)); p.Write([]byte("hello")) })
	peer := w.probe()
	w.pair(p, peer)
	assert.Equal(w, "hello", peer.has(5))
	w.on(func() { p.LoseConnection(); are(open, tune(p)) })
	p.end()
	w.on(func() { are(net.ErrClosed, tune(p)) })
}

// Who asks when the last has been taken is told that it has, also where nothing else
// keeps the connection from its end.
func drainedBeforeTheEnd(w *world) {
	w.start()
	p, peer := w.halfOpen(), w.halfOpen()
	var first, second error = net.ErrClosed, net.ErrClosed
	p.onEOF = func() bool {
		n, _ := protocol.As[protocol.Notifier](p.Transport)
		p.Write([]byte("x"))
		n.Drained(func(err error) {
			first = err
			n.Drained(func(err error) { assert.NoError(w, p.reason); second = err })
			p.LoseConnection()
		})
		return true
	}
	peer.onMade = func() { peer.CloseWrite() }
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	assert.NoError(w, first)
	assert.NoError(w, second)
}
