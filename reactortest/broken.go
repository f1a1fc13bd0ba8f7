package reactortest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// Whatever ends a connection tells all files that wait, in order and before
// ConnectionLost, the reason, and how much of them was sent.
func doneOnce(w *world) {
	w.start()
	f := w.file(noise(8 << 20))
	for name, end := range map[string]func(p, peer *probe){
		"Abort":        func(p, _ *probe) { p.Abort() },
		"CloseTimeout": func(p, _ *probe) { p.LoseConnection() },
		"peer's reset": func(_, peer *probe) { peer.Abort() },
		"own panic":    func(p, _ *probe) { p.AfterFunc(0, func() { panic(errOfUser) }) },
	} {
		for _, begun := range []bool{false, true} {
			p, peer := w.probe(), w.greeter(func(p *probe) { p.PauseReading() })
			w.pair(p, peer, factory.Socket{CloseTimeout: 50 * time.Millisecond})
			var first, second <-chan fate
			send := func() { first, second = p.ship(f, 0, -1), p.ship(f, 0, 10) }
			if begun {
				w.on(send)
				w.on(func() { end(p, peer) })
			} else {
				w.on(func() { send(); end(p, peer) })
			}
			reason := p.end()
			for _, told := range []<-chan fate{first, second} {
				was := wait(w, told)
				assert.Equal(w, reason, was.err, name)
				assert.Less(w, was.sent, int64(8<<20), name)
			}
			w.on(func() { peer.Abort() })
			peer.end()
		}
	}
}

// A connection that takes no Write takes no file.
func filesRefused(w *world) {
	w.start()
	f := w.file([]byte("late"))
	for _, end := range []func(p *probe){(*probe).lose, (*probe).abort, (*probe).halfClose} {
		p, peer := w.probe(), w.probe()
		w.pair(p, peer)
		var at, lost, late <-chan fate
		p.onLost = func(error) { lost = p.ship(f, 0, -1) }
		w.on(func() { end(p); at = p.ship(f, 0, -1) })
		p.end()
		w.on(func() { late = p.ship(f, 0, -1) })
		for _, told := range []<-chan fate{at, lost, late} {
			assert.Equal(w, fate{err: net.ErrClosed}, wait(w, told))
		}
		peer.end()
		assert.Empty(w, peer.input)
	}
}

// A file that is shorter than promised ends the connection: nothing that was
// written behind it is taken for it.
func shortFile(w *world) {
	w.start()
	p, peer := w.probe(), w.probe()
	w.pair(p, peer)
	f := w.file([]byte("short"))
	var told <-chan fate
	w.on(func() { told = p.ship(f, 0, 6); p.Write([]byte("!")) })
	reason := p.end()
	assert.ErrorIs(w, reason, io.ErrUnexpectedEOF)
	assert.Equal(w, fate{5, reason}, wait(w, told))
	lost := peer.end()
	assert.Contains(w, "short", string(peer.input))
	if w.Network != "unix" {
		assert.True(w, protocol.IsReset(lost), "%v", lost)
	}
}

// So does one that is no file to be read, whatever it is.
func unreadableFile(w *world) {
	w.start()
	r, pipe, err := os.Pipe()
	require.NoError(w, err)
	defer pipe.Close()
	defer r.Close()
	closed := w.file([]byte("closed"))
	closed.Close()
	for _, f := range []*os.File{r, closed, w.open(w.TempDir()), nil} {
		p, peer := w.probe(), w.probe()
		w.pair(p, peer)
		var told <-chan fate
		w.on(func() { told = p.ship(f, 0, 6); p.Write([]byte("!")) })
		reason := p.end()
		assert.Equal(w, fate{0, reason}, wait(w, told))
		assert.NotErrorIs(w, reason, protocol.ErrConnectionDone)
		peer.end()
		assert.Empty(w, peer.input)
	}
}

// A panic in done is the connection's.
func panicInDone(w *world) {
	w.start()
	f := w.file(noise(100))
	p := w.greeter(func(p *probe) {
		s, _ := protocol.As[protocol.FileSender](p.Transport)
		s.SendFile(f, 0, -1, func(int64, error) { panic(errOfUser) })
	})
	w.pair(p, w.probe())
	var panicked *protocol.PanicError
	assert.True(w, errors.As(p.end(), &panicked), "%v", p.reason)
	w.on(func() {})
}

// A peer that takes nothing of a file is dropped like any other.
func slowPeerOfAFile(w *world) {
	w.start()
	f := w.file(noise(8 << 20))
	p, peer := w.probe(), w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, peer, factory.Socket{SlowPeerTimeout: 50 * time.Millisecond})
	var told <-chan fate
	w.on(func() { told = p.ship(f, 0, -1) })
	assert.Equal(w, protocol.ErrSlowPeer, p.end())
	assert.Equal(w, protocol.ErrSlowPeer, wait(w, told).err)
}

// A reactor that stops still delivers what was promised.
func stopDeliversFiles(w *world) {
	w.start()
	content := noise(8 << 20)
	f := w.file(content)
	p, peer := w.probe(), &leaver{probe: w.probe(), onShutdown: func() {}}
	w.pair(p, peer)
	var told <-chan fate
	w.on(func() { told = p.ship(f, 0, -1); w.Stop() })
	w.end()
	assert.Equal(w, fate{sent: 8 << 20}, wait(w, told))
	assert.True(w, bytes.Equal(content, peer.input))
	assert.ErrorIs(w, p.reason, protocol.ErrConnectionDone)
}

// The second Stop breaks them off, and tells so.
func secondStopEndsFiles(w *world) {
	w.start(Config{DrainTimeout: -1, Workers: 1})
	f := w.file(noise(8 << 20))
	var fates []<-chan fate
	for range 4 {
		p, peer := w.probe(), &leaver{probe: w.greeter(func(p *probe) { p.PauseReading() }), onShutdown: func() {}}
		w.pair(p, peer)
		w.on(func() { fates = append(fates, p.ship(f, 0, -1)) })
	}
	w.Stop()
	w.Stop()
	w.end()
	for _, told := range fates {
		assert.ErrorIs(w, wait(w, told).err, protocol.ErrShutdown)
	}
}

// Connections that end while their files are being sent do not mix with those that
// get their descriptors.
func endsAmidFiles(w *world) {
	w.start()
	first, second := noise(3<<20), noise(1<<20)
	one, two := w.file(first), w.file(second)
	n := 0
	port := w.serve(factory.Each(func() protocol.Protocol {
		n++
		if n%2 == 0 {
			return w.greeter(func(p *probe) { p.ship(two, 0, -1); p.LoseConnection() })
		}
		p := w.greeter(func(p *probe) { p.ship(one, 0, -1) })
		p.onData = func([]byte) { p.Abort() }
		return p
	}))
	var peers []*probe
	for range 50 {
		p := w.probe()
		p.onData = func([]byte) { p.Write([]byte("x")) }
		w.join(port, p)
		peers = append(peers, p)
	}
	for _, p := range peers {
		p.end()
		assert.True(w, bytes.HasPrefix(first, p.input) || bytes.Equal(second, p.input))
	}
}
