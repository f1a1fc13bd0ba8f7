package group_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/group"
)

// A listener of the model knows what it has to get.
type listener struct {
	sharing
	m    *group.Member
	loop int
	want string
	left bool
}

// A model is a group on several loops beside one on a single loop that has no
// queues: what it sends is in the listeners' want at once.
type model struct {
	*rand.Rand
	group     *group.Group
	loops     []*hand
	shards    []*group.Shard
	listeners []*listener
	kept      []string
	said      int
}

func newModel(r *rand.Rand, g *group.Group, loops int) *model {
	m := &model{Rand: r, group: g}
	for range loops {
		m.loops = append(m.loops, new(hand))
		m.shards = append(m.shards, g.On(m.loops[len(m.loops)-1]))
	}
	return m
}

func (m *model) join(i int) {
	l := &listener{loop: i, want: strings.Join(m.kept, "")}
	m.listeners = append(m.listeners, l)
	l.m = m.shards[i].Join(l)
}

func (m *model) send(i int, keep bool) {
	m.said++
	text := fmt.Sprint(m.said, ";")
	if keep {
		m.kept = append(m.kept, text)
		m.kept = m.kept[max(0, len(m.kept)-m.group.History):]
	}
	for _, l := range m.listeners {
		if !l.left {
			l.want += text
		}
	}
	switch p := []byte(text); {
	case i == len(m.shards) && keep:
		m.group.Send(p)
	case i == len(m.shards):
		m.group.Notify(p)
	case keep:
		m.shards[i].Send(p)
	default:
		m.shards[i].Notify(p)
	}
}

func (m *model) tell(i int, l *listener) {
	m.said++
	text := fmt.Sprint("psst ", m.said, ";")
	if !l.left {
		l.want += text
	}
	m.shards[i].Tell(l.m, []byte(text))
}

// step does something at random.
func (m *model) step() {
	i := m.IntN(len(m.shards))
	var l *listener
	if n := len(m.listeners); n > 0 {
		l = m.listeners[m.IntN(n)]
	}
	switch n := m.IntN(20); {
	case n < 2 || l == nil:
		m.join(i)
	case n == 2:
		l.m.Leave()
		l.left = true
	case n == 3:
		m.tell(i, l)
	case n < 9:
		m.send(m.IntN(len(m.shards)+1), n < 7)
	default:
		m.loops[i].step()
	}
}

// Whatever happens on which loop, and whenever a loop comes to it, each member
// gets what it would in a group on one loop, and one who leaves no more of it.
func TestSeveralLoopsAreAsOne(t *testing.T) {
	for seed := range uint64(200) {
		m := newModel(rand.New(rand.NewPCG(seed, 1)), &group.Group{History: 3}, 1+int(seed%4))
		for range 500 {
			m.step()
		}
		for _, l := range m.loops {
			l.settle()
		}
		here := 0
		for i, l := range m.listeners {
			if l.left {
				require.True(t, strings.HasPrefix(l.want, l.String()), "seed %d, listener %d", seed, i)
				continue
			}
			here++
			require.Equal(t, l.want, l.String(), "seed %d, listener %d", seed, i)
		}
		assert.Equal(t, here, m.group.Len())
	}
}
