package telnet

import "slices"

// A state is where the two sides stand about an option that one of them would
// do: RFC 1143, section 7, the option's state and its queue bit in one.
type state uint8

const (
	off       state = iota
	on              // both want it
	wantOff         // we asked to end it
	wantOffOn       // and want it again since
	wantOn          // we asked for it
	wantOnOff       // and want it no longer
)

// A word is what is to be said of a change: yes is WILL or DO, no is WONT or DONT,
// depending on whose option it is.
type word uint8

const (
	nothing word = iota
	yes
	no
)

// A step is where a state goes and what is said on the way.
type step struct {
	to  state
	say word
}

// The four things that can happen. Of what is heard, an answer that does not fit
// the question (WILL after DONT) is believed once and not argued with.
var (
	heardYes = [...]step{off: {on, yes}, on: {on, nothing}, wantOff: {off, nothing},
		wantOffOn: {on, nothing}, wantOn: {on, nothing}, wantOnOff: {wantOff, no}}
	heardNo = [...]step{off: {off, nothing}, on: {off, no}, wantOff: {off, nothing},
		wantOffOn: {wantOn, yes}, wantOn: {off, nothing}, wantOnOff: {off, nothing}}
	weWant = [...]step{off: {wantOn, yes}, on: {on, nothing}, wantOff: {wantOffOn, nothing},
		wantOffOn: {wantOffOn, nothing}, wantOn: {wantOn, nothing}, wantOnOff: {wantOn, nothing}}
	weDoNot = [...]step{off: {off, nothing}, on: {wantOff, no}, wantOff: {wantOff, nothing},
		wantOffOn: {wantOff, nothing}, wantOn: {wantOnOff, nothing}, wantOnOff: {wantOnOff, nothing}}
)

// holds reports whether the option is in use: until the other side has agreed to
// end it, it goes on.
func (s state) holds() bool { return s == on || s == wantOff || s == wantOffOn }

// An entry is an option that is not off.
type entry struct {
	option Option
	state  state
}

// options are those of both sides.
type options struct{ ours, theirs side }

func (t *options) side(ours bool) *side {
	if ours {
		return &t.ours
	}
	return &t.theirs
}

// A side has the options that one side does, or is asked to. Those that are off
// take no room, so a peer cannot fill it with what we do not agree to.
type side []entry

func (s side) state(o Option) state {
	for _, e := range s {
		if e.option == o {
			return e.state
		}
	}
	return off
}

// heard is told that the peer wants the option on, or not, and returns what to
// answer.
func (s *side) heard(o Option, wants, agreed bool) word {
	now := s.state(o)
	switch {
	case !wants:
		return s.move(o, heardNo[now])
	case now == off && !agreed:
		return no
	}
	return s.move(o, heardYes[now])
}

// want is told that we want it on, or not, and returns what to say.
func (s *side) want(o Option, wanted bool) word {
	if wanted {
		return s.move(o, weWant[s.state(o)])
	}
	return s.move(o, weDoNot[s.state(o)])
}

func (s *side) move(o Option, to step) word {
	i := slices.IndexFunc(*s, func(e entry) bool { return e.option == o })
	switch {
	case i < 0 && to.to != off:
		*s = append(*s, entry{o, to.to})
	case i >= 0 && to.to != off:
		(*s)[i].state = to.to
	case i >= 0:
		*s = slices.Delete(*s, i, i+1)
	}
	return to.say
}
