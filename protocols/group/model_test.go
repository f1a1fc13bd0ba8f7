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

// A listener is a member of the group that the model is compared with.
type listener struct {
	leaving
	m    *group.Member
	came int // how much had been said before
	left bool
}

// A model has all that was said in a group, in order, as a group has it that is
// on one loop.
type model struct {
	*rand.Rand
	group     *group.Group
	loops     []*hand
	shards    []*group.Shard
	listeners []*listener
	said      []saying
}

type saying struct {
	text string
	kept bool
	to   *listener // nil: all
}

func newModel(r *rand.Rand, g *group.Group, loops int) *model {
	m := &model{Rand: r, group: g}
	for i := range loops {
		m.loops = append(m.loops, new(hand))
		m.shards = append(m.shards, g.On(m.loops[i]))
	}
	return m
}

func (m *model) join(i int) {
	l := &listener{came: len(m.said)}
	m.listeners = append(m.listeners, l)
	l.m = m.shards[i].Join(l)
}

func (m *model) say(i int, s saying) {
	s.text = fmt.Sprint(len(m.said), ";")
	m.said = append(m.said, s)
	var g interface {
		Send(...[]byte)
		Notify(...[]byte)
	} = m.group // from a goroutine that is no loop
	if i < len(m.shards) {
		g = m.shards[i]
	}
	switch p := []byte(s.text); {
	case s.to != nil:
		m.shards[i].Tell(s.to.m, p)
	case s.kept:
		g.Send(p)
	default:
		g.Notify(p)
	}
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
		m.say(i, saying{to: l})
	case n < 9:
		m.say(m.IntN(len(m.shards)+1), saying{kept: n < 7})
	default:
		m.loops[i].step()
	}
}

// want returns what l gets that joins when so much has been said.
func (m *model) want(l *listener, after int) string {
	history, rest := []string(nil), ""
	for i, s := range m.said {
		switch {
		case i >= after && (s.to == nil || s.to == l):
			rest += s.text
		case i < after && s.kept:
			history = append(history, s.text)
		}
	}
	return strings.Join(history[max(0, len(history)-m.group.History):], "") + rest
}

// judge reports whether l has got what it has to, or the beginning of that if it is
// not there any more.
func (m *model) judge(l *listener, after int) bool {
	want, got := m.want(l, after), l.String()
	if l.left || l.aborted {
		return strings.HasPrefix(want, got)
	}
	return want == got
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
			require.True(t, m.judge(l, l.came), "seed %d, listener %d: %s", seed, i, l)
			require.False(t, l.aborted)
			if !l.left {
				here++
			}
		}
		require.Equal(t, here, m.group.Len())
	}
}

// Where loops fall behind too far, members are dropped; but what each gets is
// still a piece without a gap, which begins when it joined or, if its loop had
// fallen behind then, later.
func TestLoopsThatFallBehindLeaveNoGap(t *testing.T) {
	dropped, later := 0, 0
	for seed := range uint64(100) {
		m := newModel(rand.New(rand.NewPCG(seed, 2)), &group.Group{History: 3, MaxBacklog: 400}, 2+int(seed%3))
		for range 300 {
			m.step()
		}
		for _, l := range m.loops {
			l.settle()
		}
		for i, l := range m.listeners {
			after := l.came
			for !m.judge(l, after) {
				after++
				require.LessOrEqual(t, after, len(m.said), "seed %d, listener %d: %s", seed, i, l)
			}
			if after > l.came {
				later++
			}
			if l.aborted {
				dropped++
			}
		}
	}
	assert.Greater(t, dropped, 50)
	assert.Greater(t, later, 10)
}
