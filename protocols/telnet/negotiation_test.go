package telnet

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// RFC 1143, section 7: what is said, and where it leads, from each state.
func TestQMethod(t *testing.T) {
	type row struct {
		from state
		to   state
		say  word
	}
	for name, c := range map[string]struct {
		do   func(s *side) word
		rows []row
	}{
		"WILL, agreed": {func(s *side) word { return s.heard(Echo, true, true) }, []row{
			{off, on, yes}, {on, on, nothing}, {wantOff, off, nothing},
			{wantOffOn, on, nothing}, {wantOn, on, nothing}, {wantOnOff, wantOff, no}}},
		"WILL, not agreed": {func(s *side) word { return s.heard(Echo, true, false) }, []row{
			{off, off, no}, {on, on, nothing}, {wantOff, off, nothing},
			{wantOffOn, on, nothing}, {wantOn, on, nothing}, {wantOnOff, wantOff, no}}},
		"WONT": {func(s *side) word { return s.heard(Echo, false, true) }, []row{
			{off, off, nothing}, {on, off, no}, {wantOff, off, nothing},
			{wantOffOn, wantOn, yes}, {wantOn, off, nothing}, {wantOnOff, off, nothing}}},
		"we want": {func(s *side) word { return s.want(Echo, true) }, []row{
			{off, wantOn, yes}, {on, on, nothing}, {wantOff, wantOffOn, nothing},
			{wantOffOn, wantOffOn, nothing}, {wantOn, wantOn, nothing}, {wantOnOff, wantOn, nothing}}},
		"we do not": {func(s *side) word { return s.want(Echo, false) }, []row{
			{off, off, nothing}, {on, wantOff, no}, {wantOff, wantOff, nothing},
			{wantOffOn, wantOff, nothing}, {wantOn, wantOnOff, nothing}, {wantOnOff, wantOnOff, nothing}}},
	} {
		for _, r := range c.rows {
			s := side{{SGA, on}}
			if r.from != off {
				s = append(s, entry{Echo, r.from})
			}
			assert.Equal(t, r.say, c.do(&s), "%s in state %d", name, r.from)
			assert.Equal(t, r.to, s.state(Echo), "%s in state %d", name, r.from)
			assert.Equal(t, on, s.state(SGA))
		}
	}
}

// However often the two sides change their minds while words are on their way,
// they soon fall silent, agree, and use the option if both want it.
func TestNegotiationsEnd(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		var sides [2]side
		var wants [2]bool
		var under [2][]word // way to each side
		said, changes := 0, 0
		say := func(to int, w word) {
			if w != nothing {
				under[to] = append(under[to], w)
				said++
			}
		}
		for step := 0; step < 60 || len(under[0])+len(under[1]) > 0; step++ {
			require.Less(t, step, 10_000)
			i := r.IntN(2)
			switch {
			case step < 60 && r.IntN(3) == 0:
				wants[i] = !wants[i]
				changes++
				say(1-i, sides[i].want(Echo, wants[i]))
			case len(under[i]) > 0:
				w := under[i][0]
				under[i] = under[i][1:]
				say(1-i, sides[i].heard(Echo, w == yes, wants[i]))
			}
		}
		assert.LessOrEqual(t, said, 2*changes)
		want := off
		if wants[0] && wants[1] {
			want = on
		}
		assert.Equal(t, want, sides[0].state(Echo), "seed %d", seed)
		assert.Equal(t, want, sides[1].state(Echo), "seed %d", seed)
	}
}

// What is refused takes no room.
func TestRefusedOptionsAreNotKept(t *testing.T) {
	var s side
	for range 3 {
		for o := range 256 {
			assert.Equal(t, no, s.heard(Option(o), true, false))
			assert.Equal(t, nothing, s.heard(Option(o), false, false))
		}
	}
	assert.Zero(t, cap(s))
}
