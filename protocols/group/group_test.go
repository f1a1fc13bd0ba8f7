package group_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
)

// A sharing keeps the very slices that it was given, as a transport with a slow
// peer does.
type sharing struct {
	got     [][]byte
	written func() // called by each write
}

func (s *sharing) Write(p []byte) (int, error) { panic("copies, though it need not") }

func (s *sharing) WriteShared(p []byte) (int, error) {
	s.got = append(s.got, p)
	if s.written != nil {
		s.written()
	}
	return len(p), nil
}

func (s *sharing) String() string { return string(bytes.Join(s.got, nil)) }

// A wrapped transport is one that another embeds.
type wrapped struct{ protocol.Transport }

func (w wrapped) Below() protocol.Transport { return w.Transport }

type sharingTransport struct {
	protocol.Transport
	sharing
}

func (s *sharingTransport) Write(p []byte) (int, error) { return s.sharing.Write(p) }

func Example() {
	var g group.Group
	var alice, bob bytes.Buffer
	a, b := g.Join(&alice), g.Join(&bob)
	g.Send([]byte("hello, "), []byte("all\n"))
	a.Leave()
	g.Send([]byte("where is she?\n"))
	b.Leave()
	fmt.Print(alice.String(), "--\n", bob.String())
	// Output:
	// hello, all
	// --
	// hello, all
	// where is she?
}

// What was handed to a member never changes, however much follows.
func TestMessagesNeverChange(t *testing.T) {
	g := group.Group{History: 10}
	var s sharing
	g.Join(&s)
	var want []string
	for i := range 5000 {
		m := strings.Repeat(string(rune('a'+i%26)), 1+i*i%997)
		want = append(want, m)
		part := []byte(m)
		if i%3 == 0 {
			g.Notify(part)
		} else {
			g.Send(part[:len(m)/2], part[len(m)/2:])
		}
		clear(part)
	}
	require.Len(t, s.got, len(want))
	for i, m := range want {
		require.Equal(t, m, string(s.got[i]), "message %d", i)
	}
}

// A transport can make one entry of messages that follow each other.
func TestMessagesLieBehindEachOther(t *testing.T) {
	var g group.Group
	var s sharing
	g.Join(&s)
	for range 4096 {
		g.Send([]byte("64 bytes of text, with an ending, as people say them in a room\r\n"))
	}
	joined := 0
	for i, p := range s.got[1:] {
		last := s.got[i]
		if cap(last) > len(last) && unsafe.SliceData(last[:len(last)+1][len(last):]) == unsafe.SliceData(p) {
			joined++
			assert.GreaterOrEqual(t, cap(last), len(last)+len(p))
		}
	}
	assert.Greater(t, joined, 4096-16, "at most one gap in 64 KiB")
}

// A long message arrives whole, and so does what follows.
func TestLongMessages(t *testing.T) {
	var g group.Group
	var s sharing
	g.Join(&s)
	var want strings.Builder
	for _, n := range []int{16 << 10, 1, 4 << 10, 1, 16 << 10, 16<<10 + 1, 64 << 10, 1 << 20, 0, 3} {
		m := strings.Repeat("x", n)
		want.WriteString(m)
		g.Send([]byte(m))
	}
	assert.Equal(t, want.String(), s.String())
	assert.Len(t, s.got, 9, "an empty message is none")
}

// Nobody is skipped, nobody gets a message twice, and all get one order, whoever
// comes, goes or sends while one is sent.
func TestMembersMayComeAndGoMeanwhile(t *testing.T) {
	var g group.Group
	all := make([]*sharing, 10)
	members := make([]*group.Member, 10)
	for i := range all {
		all[i] = &sharing{}
		members[i] = g.Join(all[i])
	}
	late := &sharing{}
	all[4].written = func() {
		all[4].written = nil
		for _, i := range []int{0, 4, 5, 9} {
			members[i].Leave()
			members[i].Leave()
		}
		g.Join(late)
		g.Send([]byte("2"))
		assert.Equal(t, 7, g.Len())
	}
	g.Send([]byte("1"))
	g.Send([]byte("3"))
	for i, want := range []string{"1", "123", "123", "123", "1", "", "123", "123", "123", ""} {
		assert.Equal(t, want, all[i].String(), "member %d", i)
	}
	assert.Equal(t, "23", late.String())
	assert.Equal(t, 7, g.Len())
}

// Against a plain map, with random comings and goings.
func TestGroupIsASet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var g group.Group
	here := map[*group.Member]*sharing{}
	for step := range 5000 {
		if r.IntN(2) == 0 {
			s := &sharing{}
			here[g.Join(s)] = s
		}
		for m := range here {
			if r.IntN(len(here)) == 0 {
				m.Leave()
				delete(here, m)
			}
		}
		g.Send(fmt.Appendf(nil, "%d", step))
		require.Equal(t, len(here), g.Len())
		for _, s := range here {
			require.Equal(t, fmt.Sprint(step), string(s.got[len(s.got)-1]))
		}
	}
}

// A member that panics (a transport does, off its loop) leaves the group as it was.
func TestPanickingMemberBreaksNothing(t *testing.T) {
	var g group.Group
	var a, b sharing
	g.Join(&b)
	m := g.Join(&a)
	a.written = func() { panic("off the loop") }
	assert.Panics(t, func() { g.Send([]byte("1")) })
	a.written = nil
	m.Leave()
	g.Send([]byte("2"))
	assert.Equal(t, "12", b.String())
	assert.Equal(t, 1, g.Len())
}

// A shared write is found through what wraps a transport; one that has none gets
// a copy.
func TestSharedWriterIsFoundBelow(t *testing.T) {
	var g group.Group
	below := &sharingTransport{}
	var plain bytes.Buffer
	g.Join(wrapped{below})
	g.Join(&plain)
	g.Send([]byte("hello"))
	assert.Equal(t, "hello", below.String())
	assert.Equal(t, "hello", plain.String())
}

func TestNewcomersGetTheHistory(t *testing.T) {
	g := group.Group{History: 3, HistoryBytes: 10}
	for _, m := range []string{"1", "2", "3", "4"} {
		g.Send([]byte(m))
		g.Notify([]byte("!"))
	}
	assert.Equal(t, "234", newcomer(&g), "at most History messages")
	g.Send([]byte("55555555"))
	assert.Equal(t, "3455555555", newcomer(&g), "at most HistoryBytes")
	g.Send([]byte("6"))
	assert.Equal(t, "4555555556", newcomer(&g))
	g.Send([]byte("66666666666"))
	assert.Empty(t, newcomer(&g), "what is longer is not kept, nor what came before it")
	g.Send([]byte("7"))
	g.Send(nil)
	assert.Equal(t, "7", newcomer(&g))
	g.History = 0
	assert.Empty(t, newcomer(&g))
}

func newcomer(g *group.Group) string {
	var s sharing
	g.Join(&s).Leave()
	return s.String()
}

// A long life keeps the history's bounds and forgets nothing within them.
func TestHistoryIsTheLastMessages(t *testing.T) {
	g := group.Group{History: 20}
	var all []string
	for i := range 10_000 {
		all = append(all, fmt.Sprint(i, ";"))
		g.Send([]byte(all[i]))
	}
	assert.Equal(t, strings.Join(all[len(all)-20:], ""), newcomer(&g))
}

// What is said costs no allocation for a member, and hardly one for a message.
func TestSendAllocatesNothing(t *testing.T) {
	for _, n := range []int{0, 20} {
		g := group.Group{History: n}
		for range 200 {
			g.Join(&discard{})
		}
		from, said, end := []byte("alice says "), []byte(strings.Repeat("x", 50)), []byte("\r\n")
		g.Send(from, said, end)
		assert.Zero(t, testing.AllocsPerRun(2000, func() { g.Send(from, said, end) }), "history of %d", n)
	}
}

type discard struct{ n int }

func (d *discard) Write(p []byte) (int, error)       { d.n += len(p); return len(p), nil }
func (d *discard) WriteShared(p []byte) (int, error) { d.n += len(p); return len(p), nil }

func BenchmarkSend200(b *testing.B) {
	for name, n := range map[string]int{"plain": 0, "history": 20} {
		b.Run(name, func(b *testing.B) {
			g := group.Group{History: n}
			for range 200 {
				g.Join(&discard{})
			}
			from, said, end := []byte("alice says "), []byte(strings.Repeat("x", 50)), []byte("\r\n")
			b.ReportAllocs()
			for b.Loop() {
				g.Send(from, said, end)
			}
		})
	}
}

func BenchmarkJoinLeave(b *testing.B) {
	var g group.Group
	for range 10_000 {
		g.Join(&discard{})
	}
	d := &discard{}
	b.ReportAllocs()
	for b.Loop() {
		g.Join(d).Leave()
	}
}
