package reactortest

import (
	"io"
	"net"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
)

var adopts = []law{
	{"AdoptedConnectionIsLikeAnyOther", adoptConn},
	{"AdoptedHeadComesFirst", adoptHead},
	{"AdoptedListenerServes", adoptListener},
	{"WhatIsNoSocketIsLeftAlone", adoptPipe},
}

type adopter interface {
	Adopt(c net.Conn, f factory.Factory, head ...byte) error
}

// adopter is the reactor, if it can adopt; otherwise the law is skipped.
func (w *world) adopter() adopter {
	a, ok := w.Reactor.(adopter)
	if !ok || w.Pair == nil {
		w.Skip("this reactor adopts nothing")
	}
	return a
}

// An adopted connection talks, ends, and leaves the conn it was made of closed.
func adoptConn(w *world) {
	w.start()
	a := w.adopter()
	ours, theirs := w.Pair(w.T)
	w.own(ours)
	w.own(theirs)
	p := w.echoer()
	require.NoError(w, a.Adopt(ours, just(p)))
	_, err := ours.Write([]byte("x"))
	assert.ErrorIs(w, err, net.ErrClosed)
	wait(w, p.made)
	w.on(func() {
		assert.Equal(w, theirs.LocalAddr().String(), p.RemoteAddr().String())
		assert.Equal(w, theirs.RemoteAddr().String(), p.LocalAddr().String())
	})
	_, err = theirs.Write([]byte("question"))
	require.NoError(w, err)
	answer := make([]byte, 8)
	_, err = io.ReadFull(theirs, answer)
	require.NoError(w, err)
	assert.Equal(w, "question", string(answer))
	theirs.Close()
	p.end()
}

// What somebody else had read already comes before what has arrived, also if
// the protocol pauses first, and in an event of its own.
func adoptHead(w *world) {
	w.start()
	a := w.adopter()
	for _, pausing := range []bool{false, true} {
		ours, theirs := w.Pair(w.T)
		w.own(ours)
		w.own(theirs)
		_, err := theirs.Write([]byte("arrived"))
		require.NoError(w, err)
		p := w.probe()
		p.onMade = func() {
			if pausing {
				p.PauseReading()
			}
		}
		require.NoError(w, a.Adopt(ours, just(p), []byte("buffered, ")...))
		wait(w, p.made)
		w.on(func() {
			if pausing {
				assert.Empty(w, p.input)
				p.ResumeReading()
			}
		})
		assert.Equal(w, "buffered, arrived", p.has(17))
	}
}

// An adopted listener serves; closing its port leaves no listener behind.
func adoptListener(w *world) {
	w.start()
	a, ok := w.Reactor.(interface {
		Listener(l net.Listener, f factory.Factory) (factory.Port, error)
	})
	if !ok || w.Accept == nil {
		w.Skip("this reactor adopts nothing")
	}
	l := w.Accept(w.T)
	w.Cleanup(func() { l.Close() })
	port, err := a.Listener(l, w.echoes())
	require.NoError(w, err)
	assert.Equal(w, l.Addr().String(), port.Addr().String())
	c := w.dial(port)
	_, err = c.Write([]byte("x"))
	require.NoError(w, err)
	_, err = io.ReadFull(c, make([]byte, 1))
	assert.NoError(w, err)
	w.on(func() { assert.NoError(w, port.Close()) })
}

// A conn that is no socket stays with its owner.
func adoptPipe(w *world) {
	w.start()
	a := w.adopter()
	ours, theirs := net.Pipe()
	w.own(ours)
	w.own(theirs)
	require.Error(w, a.Adopt(ours, w.echoes()))
	go ours.Write([]byte("x"))
	_, err := io.ReadFull(theirs, make([]byte, 1))
	assert.NoError(w, err)
}
