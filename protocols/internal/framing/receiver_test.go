package framing

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
)

// A fake is a transport of which the test says whether it reads.
type fake struct {
	protocol.Transport
	paused, closed bool
}

func (f *fake) Reading() bool   { return !f.paused && !f.closed }
func (f *fake) LoseConnection() { f.closed = true }

// A listener pauses on each string.
type listener struct {
	t     *fake
	heard []string
	lost  error
}

func (l *listener) StringReceived(s []byte) {
	l.heard = append(l.heard, string(s))
	l.t.paused = true
}

func (l *listener) ConnectionLost(reason error) { l.lost = reason }

func listening() (*listener, *Strings) {
	l := &listener{t: &fake{}}
	r := &Strings{}
	r.Init(l, letters(";"), 5)
	r.Transport = l.t
	return l, r
}

// What is held over a pause is ours: the lender may do with his memory as he likes.
func TestHeldIsNotLent(t *testing.T) {
	l, r := listening()
	lent := []byte("xxx:one;xxx:two;xxxxx:thr")
	r.DataReceived(lent)
	clear(lent)
	lent = []byte("ee;")
	l.t.paused = false
	r.ReadResumed()
	assert.Equal(t, []string{"one", "two"}, l.heard)
	l.t.paused = false
	r.DataReceived(lent)
	assert.Equal(t, []string{"one", "two", "three"}, l.heard)
}

// Behind a mistake, and when the connection has ended, nothing is held.
func TestNothingIsHeldForNobody(t *testing.T) {
	for _, in := range []string{"?xxx:two;", "xxxxxx:longer;xxx:two;"} {
		l, r := listening()
		r.DataReceived([]byte(in))
		assert.True(t, l.t.closed)
		assert.Zero(t, r.Splitter.Len())
		r.DataReceived([]byte("xxx:two;"))
		assert.Empty(t, l.heard)
	}
	l, r := listening()
	r.DataReceived([]byte("xxx:one;xxx:two;"))
	r.ConnectionLost(protocol.ErrConnectionDone)
	assert.Zero(t, r.Splitter.Len())
	assert.Equal(t, protocol.ErrConnectionDone, l.lost)
}
