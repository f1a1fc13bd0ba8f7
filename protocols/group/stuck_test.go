package group_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
)

// A leaving is a writer that can be ended as a transport can.
type leaving struct {
	sharing
	aborted bool
	reason  error
}

func (l *leaving) Abort()                            { l.aborted = true }
func (l *leaving) SetReason(err error)               { l.reason = err }
func (l *leaving) Drained(func(error))               {}
func (l *leaving) Ended(func(error)) (forget func()) { return func() {} }
func (l *leaving) WriteShared(p []byte) (int, error) { return l.sharing.WriteShared(p) }
func (l *leaving) stays(t *testing.T, want string, on ...any) {
	t.Helper()
	assert.Equal(t, want, l.String(), on...)
	assert.False(t, l.aborted, on...)
}

// A loop that hangs loses its members when too much waits for them. Nobody on
// another loop notices, and nobody at all reads a sequence with a gap.
func TestStuckLoopSilencesNobody(t *testing.T) {
	g := group.Group{History: 3, MaxBacklog: 10 * 65}
	a, b, la, lb := two(&g)
	var onA, onB, early leaving
	var plain sharing
	a.Join(&onA)
	b.Join(&onB)
	b.Join(&plain)
	send(a, "0")
	lb.settle()
	want := "0"
	for i := range 100 {
		if i == 5 {
			b.Join(&early)
		}
		m := string(rune('a' + i%26))
		want += m
		send(a, m)
	}
	send(b, "!") // from the callback that hangs
	la.settle()
	want += "!"
	assert.Equal(t, "0", onB.String())
	lb.settle()
	assert.True(t, onB.aborted)
	assert.ErrorIs(t, onB.reason, protocol.ErrSlowPeer)
	assert.Equal(t, "0", onB.String())
	assert.Equal(t, "0", plain.String(), "who cannot be ended gets no more")
	onA.stays(t, want)
	early.stays(t, want[len(want)-3:], "who has begun to join begins with the history")

	var late leaving
	b.Join(&late)
	send(a, "x")
	lb.settle()
	late.stays(t, want[len(want)-3:]+"x")
	early.stays(t, want[len(want)-3:]+"x")
	onA.stays(t, want+"x")
	assert.Equal(t, 3, g.Len())
}

// One message may have any size.
func TestBacklogTakesOneLargeMessage(t *testing.T) {
	g := group.Group{MaxBacklog: 100}
	a, b, _, lb := two(&g)
	var w leaving
	b.Join(&w)
	a.Send(make([]byte, 1000))
	lb.settle()
	assert.Equal(t, 1000, len(w.String()))
	assert.False(t, w.aborted)
}

// What is sent to a loop that has stopped is kept nowhere, and a loop that starts
// in its place is another.
func TestStoppedLoopDropsOut(t *testing.T) {
	g := group.Group{History: 1}
	a, b, la, lb := two(&g)
	var onA, onB sharing
	a.Join(&onA)
	m := b.Join(&onB)
	send(a, "1")
	lb.settle()
	lb.stopped = true
	for range 1000 {
		send(a, "2")
	}
	send(b, "3") // by one who is told of the end
	b.Tell(m, []byte("4"))
	m.Leave()
	la.settle()
	assert.Equal(t, "1", onB.String())
	assert.Equal(t, "1"+string(bytesOf('2', 1000))+"3", onA.String())
	assert.Equal(t, 1, g.Len())
	lb.stopped = false
	assert.NotSame(t, b, g.On(lb))
	assert.Same(t, a, g.On(la))
}
