package secure

import (
	"errors"
	"iter"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/internal/stand"
	"github.com/torsion-go/torsion/protocol"
)

// A handshake runs tls.Conn.Handshake in a coroutine, which is parked while it has
// nothing to read. Its stack is gone when the handshake is done, or given up.
type handshake struct {
	next  func() (struct{}, bool)
	stop  func()
	stand stand.Stand // callbacks of the tls.Config run in the coroutine
	timer clock.Timer
	err   error
}

// begin begins the handshake.
func (l *layer) begin() {
	l.phase = shaking
	l.ReadOn(true)
	l.mem.below, l.mem.local, l.mem.remote = l.Below, l.LocalAddr(), l.RemoteAddr()
	l.tls = l.config.conn(&l.mem)
	h := &handshake{stand: stand.In(l.Loop())}
	h.next, h.stop = iter.Pull(func(yield func(struct{}) bool) {
		h.stand.Arrive()
		l.mem.wait = func() bool { return yield(struct{}{}) }
		h.err = l.tls.Handshake()
	})
	l.shake = h
	if d := l.config.timeout(); d > 0 {
		h.timer = l.AfterFunc(d, func() { l.fail(&HandshakeError{ErrHandshakeTimeout}) })
	}
	l.resume()
}

// goOn runs the coroutine until it waits, which it reports, or has ended.
func (h *handshake) goOn() (waits bool) {
	h.stand.Enter()
	defer h.stand.Leave() // a callback may panic
	_, waits = h.next()
	return waits
}

// end frees the coroutine.
func (h *handshake) end() {
	if h.timer != nil {
		h.timer.Stop()
	}
	h.stand.Enter()
	defer h.stand.Leave()
	h.stop()
}

// resume has the handshake go on until it has to wait, and sends what it says.
func (l *layer) resume() {
	h := l.shake
	waits := h.goOn()
	if out := l.mem.out; len(out) > 0 {
		l.mem.out = nil
		_, _ = l.Below.Write(out) // ConnectionLost tells
	}
	switch {
	case waits:
	case h.err != nil:
		l.fail(&HandshakeError{h.err})
	default:
		l.stopShaking()
		l.shaken()
	}
}

// stopShaking ends the handshake, done or not. What it says then nobody hears.
func (l *layer) stopShaking() {
	if h := l.shake; h != nil {
		l.shake = nil
		h.end()
		l.mem.wait, l.mem.out = nil, nil
	}
}

// shaken is the end of a handshake that did not fail: what has waited for it
// happens. A callback may have ended the connection.
func (l *layer) shaken() {
	l.phase = encrypted
	if !l.writable() || l.Above == nil && !l.build() {
		return
	}
	l.Open(l.encrypt)
	l.ReadOn(false)
	if l.outer != nil {
		protocol.Connect(l.Above, l)
	}
	if !l.leaving {
		l.Secured(l.tls.ConnectionState())
	}
	l.deliver()
}

// build has the factory inside build the protocol. Where it builds none the
// connection is closed.
func (l *layer) build() bool {
	l.Above = l.outer.build(l.RemoteAddr(), l.tls.ConnectionState())
	if l.Above == nil {
		l.SetReason(protocol.ErrRefused)
		l.goodbye()
		l.Below.LoseConnection()
	}
	return l.Above != nil
}

var errHungUp = errors.New("the peer has hung up")
