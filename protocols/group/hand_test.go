package group_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
)

// A hand is a loop whose calls run when a test says so, on the test's goroutine.
type hand struct {
	clock.Fake
	calls   []func()
	stopped bool
}

func (h *hand) Call(f func()) error {
	if h.stopped {
		return protocol.ErrStopped
	}
	h.calls = append(h.calls, f)
	return nil
}

// step runs one call, and reports whether there was any.
func (h *hand) step() bool {
	if len(h.calls) == 0 {
		return false
	}
	f := h.calls[0]
	h.calls = h.calls[1:]
	f()
	return true
}

func (h *hand) settle() {
	for h.step() {
	}
}

// two returns the shards of a group on two loops.
func two(g *group.Group) (a, b *group.Shard, la, lb *hand) {
	la, lb = new(hand), new(hand)
	return g.On(la), g.On(lb), la, lb
}

func send(s interface{ Send(...[]byte) }, text string) { s.Send([]byte(text)) }

// A question is read before its answer, on every loop.
func TestNoAnswerOvertakesItsQuestion(t *testing.T) {
	var g group.Group
	a, b, la, lb := two(&g)
	lc := new(hand)
	c := g.On(lc)
	var onA, onB, onC sharing
	a.Join(&onA)
	b.Join(&onB)
	c.Join(&onC)
	onB.written = func() {
		onB.written = nil
		send(b, "!")
	}
	send(a, "?")
	assert.Equal(t, "?", onA.String(), "in the same event")
	lb.settle()
	lc.settle()
	la.settle()
	for _, s := range []*sharing{&onA, &onB, &onC} {
		assert.Equal(t, "?!", s.String())
	}
}

// What a member sends goes behind what others sent before.
func TestOwnMessagesKeepTheOrder(t *testing.T) {
	var g group.Group
	a, b, la, lb := two(&g)
	var onA, onB sharing
	a.Join(&onA)
	b.Join(&onB)
	send(a, "1")
	send(b, "2")
	send(a, "3")
	send(b, "4")
	assert.Equal(t, "1", onA.String())
	assert.Empty(t, onB.String())
	la.settle()
	lb.settle()
	assert.Equal(t, "1234", onA.String())
	assert.Equal(t, "1234", onB.String())
}

// A group on one loop only delivers at once, and posts nothing.
func TestOneShardNeedsNoCall(t *testing.T) {
	var g group.Group
	l := new(hand)
	s := g.On(l)
	var w sharing
	m := s.Join(&w)
	send(s, "1")
	s.Notify([]byte("2"))
	s.Tell(m, []byte("3"))
	assert.Equal(t, "123", w.String())
	assert.Empty(t, l.calls)
}

// However much is sent to a loop before it comes to it, it is called once; and it
// delivers little at a time, so that it can send in between.
func TestBurstCostsOneCall(t *testing.T) {
	var g group.Group
	a, b, _, lb := two(&g)
	var w sharing
	b.Join(&w)
	for range 100 {
		send(a, "x")
	}
	assert.Len(t, lb.calls, 1)
	lb.step()
	assert.Len(t, w.got, 100)
	assert.Empty(t, lb.calls)
	const line = 1 << 10
	for range 100 {
		a.Send(make([]byte, line))
	}
	for before := 100; before < 200; before = len(w.got) {
		require.Len(t, lb.calls, 1)
		lb.step()
		assert.Less(t, len(w.got)-before, 20)
	}
	assert.Empty(t, lb.calls)
}

// A newcomer gets the history, and then what follows, also where its loop has not
// come to some of it.
func TestJoinHasAPlaceInTheSequence(t *testing.T) {
	g := group.Group{History: 2}
	a, b, _, lb := two(&g)
	send(a, "1")
	a.Notify([]byte("n"))
	send(a, "2")
	send(a, "3")
	var old, late, never sharing
	b.Join(&never).Leave()
	b.Join(&old)
	assert.Empty(t, old.String())
	lb.settle()
	send(a, "4")
	a.Notify([]byte("m"))
	b.Join(&late)
	send(a, "5")
	lb.settle()
	assert.Equal(t, "234m5", old.String())
	assert.Equal(t, "345", late.String())
	assert.Empty(t, never.String())
	assert.Equal(t, 2, g.Len())
}

// A loop that comes later begins with the group's history.
func TestLateLoopHasTheHistory(t *testing.T) {
	g := group.Group{History: 2}
	a := g.On(new(hand))
	for _, m := range []string{"1", "2", "3"} {
		send(a, m)
	}
	var w sharing
	g.On(new(hand)).Join(&w)
	assert.Equal(t, "23", w.String())
}

// Who has left gets nothing, though it was sent before.
func TestLeaveStopsDelivery(t *testing.T) {
	var g group.Group
	a, b, _, lb := two(&g)
	var w, other sharing
	m := b.Join(&w)
	b.Join(&other)
	send(a, "1")
	b.Tell(m, []byte("2"))
	m.Leave()
	lb.settle()
	b.Tell(m, []byte("3"))
	lb.settle()
	assert.Empty(t, w.String())
	assert.Equal(t, "1", other.String())
	assert.Equal(t, 1, b.Len())
	assert.Equal(t, 0, a.Len())
	assert.Equal(t, 1, g.Len())
}

// What one is told has its place among what all are sent.
func TestTellKeepsTheOrder(t *testing.T) {
	var g group.Group
	a, b, la, lb := two(&g)
	var onA, onB, onB2 sharing
	ma, mb := a.Join(&onA), b.Join(&onB)
	b.Join(&onB2)
	send(a, "1")
	a.Tell(mb, []byte("2"), []byte("3"))
	a.Tell(mb)
	a.Tell(ma, []byte("me"))
	send(a, "4")
	b.Tell(mb, []byte("5"))
	lb.settle()
	la.settle()
	assert.Equal(t, "12345", onB.String())
	assert.Equal(t, "14", onB2.String())
	assert.Equal(t, "1me4", onA.String())
}

// A goroutine that is no loop can send, too.
func TestAnybodyMaySend(t *testing.T) {
	g := group.Group{History: 5}
	a, b, la, lb := two(&g)
	var onA, onB sharing
	a.Join(&onA)
	b.Join(&onB)
	send(&g, "1")
	g.Notify([]byte("2"))
	assert.Empty(t, onA.String())
	send(a, "3")
	la.settle()
	lb.settle()
	assert.Equal(t, "123", onA.String())
	assert.Equal(t, "123", onB.String())
	assert.Equal(t, 2, g.Len())
}

func bytesOf(b byte, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = b
	}
	return p
}

// odd is a loop that cannot be compared.
type odd struct {
	*hand
	_ []int
}

// The same loop has the same shard.
func TestOnIsOncePerLoop(t *testing.T) {
	var g group.Group
	l := new(hand)
	assert.Same(t, g.On(l), g.On(l))
	assert.NotSame(t, g.On(l), g.On(new(hand)))
	assert.NotSame(t, g.On(odd{hand: l}), g.On(odd{hand: l}))
}

// A group is on one loop or on several, and says so to who thinks otherwise.
func TestOneLoopOrSeveral(t *testing.T) {
	var several group.Group
	several.On(new(hand))
	assert.PanicsWithValue(t, "group: on several loops; join what On(loop) has returned",
		func() { several.Join(&sharing{}) })
	var one group.Group
	one.Join(&sharing{})
	assert.Panics(t, func() { one.On(new(hand)) })
	assert.Equal(t, 1, one.On(nil).Len())
}

// A member that panics costs those behind it one message, on its own loop.
func TestPanickingMemberOnALoop(t *testing.T) {
	var g group.Group
	a, b, _, lb := two(&g)
	var first, bad, last sharing
	b.Join(&first)
	b.Join(&bad)
	b.Join(&last)
	bad.written = func() {
		if len(bad.got) == 1 {
			panic("off the loop")
		}
	}
	for _, m := range []string{"1", "2", "3"} {
		send(a, m)
	}
	assert.Panics(t, func() { lb.step() })
	lb.settle()
	assert.Equal(t, "123", first.String())
	assert.Equal(t, "23", last.String())
	send(a, "4")
	lb.settle()
	assert.Equal(t, "234", last.String())
}

// Between two loops a message costs no allocation either.
func TestSpreadAllocatesNothing(t *testing.T) {
	var g group.Group
	a, b, _, lb := two(&g)
	lb.calls = make([]func(), 0, 1)
	for range 100 {
		a.Join(&discard{})
		b.Join(&discard{})
	}
	from, said, end := []byte("alice says "), []byte("hello"), []byte("\r\n")
	say := func() {
		a.Send(from, said, end)
		f := lb.calls[0]
		lb.calls = lb.calls[:0]
		f()
	}
	say()
	assert.Zero(t, testing.AllocsPerRun(2000, say))
}
