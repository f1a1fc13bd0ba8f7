package group

import (
	"io"

	"github.com/torsion-go/torsion/protocol"
)

// A Shard is the part of a Group that is on one loop, and belongs to that loop.
// Its methods reach the whole group.
type Shard struct {
	group *Group
	loop  protocol.Loop // nil: the only one
	queue               // what other loops have to say

	members []place
	holes   int // places left while something happens
	count   int // members, those included who are about to join
	history history

	happening []event // in order, the one at next after those that have happened
	next      int
	busy      bool // an event happens: places are not moved, and others wait
}

// An event is what happens to members. It has the same place in the sequence of
// all of them.
type event struct {
	text []byte
	to   *Member // who alone is told text, or joins if there is none; nil: all
	kept bool    // in the history
}

// A place is a member's slot in Shard.members; w is nil if it was left.
type place struct {
	w protocol.SharedWriter
	m *Member
}

// Join adds w, which is usually a [protocol.Transport], behind the history that
// it is sent first, and behind what was sent before. So if messages of other
// loops wait to be delivered here, a later event begins with both. A w that is no
// [protocol.SharedWriter] (see protocol.As) gets each message by Write. Errors of
// w are ignored: ConnectionLost will tell.
func (s *Shard) Join(w io.Writer) *Member {
	m := &Member{shard: s, out: w, index: joining}
	s.count++
	if s.loop == nil {
		s.happen(event{to: m})
		return m
	}
	s.group.members.Add(1)
	s.group.direct(s, event{to: m})
	return m
}

// Len returns how many members are on this loop.
func (s *Shard) Len() int { return s.count }

// Send sends one message, the parts one behind the other, to every member on
// every loop, and keeps it in the history. The parts may be used again at once.
func (s *Shard) Send(parts ...[]byte) {
	if s.loop == nil {
		s.happen(s.group.message(true, parts))
		return
	}
	s.group.spread(s, true, parts)
}

// Notify is Send for what means nothing to newcomers: it leaves no trace in the
// history.
func (s *Shard) Notify(parts ...[]byte) {
	if s.loop == nil {
		s.happen(s.group.message(false, parts))
		return
	}
	s.group.spread(s, false, parts)
}

// Tell sends a message to one member alone, on whichever loop that is, at the
// place in the sequence of all where a Send would be. One who has left gets
// nothing.
func (s *Shard) Tell(m *Member, parts ...[]byte) {
	e := event{text: appendAll(nil, parts), to: m}
	switch {
	case len(e.text) == 0:
	case s.loop == nil:
		s.happen(e)
	default:
		s.group.direct(s, e)
	}
}

// happen has e happen behind what happens already: who sends from inside a
// delivery is not heard by some before they hear what they are sent.
func (s *Shard) happen(e event) {
	s.happening = append(s.happening, e)
	if !s.busy {
		s.goOn()
	}
}

func (s *Shard) goOn() {
	s.busy = true
	defer s.happened()
	for s.next < len(s.happening) {
		e := &s.happening[s.next]
		s.next++
		s.now(*e)
	}
}

// happened puts all in order. If a member has panicked (a transport does, off its
// loop), and so left the rest of that message undelivered, it first has happen
// what else is due.
func (s *Shard) happened() {
	if s.next < len(s.happening) {
		s.goOn()
		return
	}
	clear(s.happening)
	s.happening, s.next, s.busy = s.happening[:0], 0, false
	if cap(s.happening) > maxSpare {
		s.happening = nil
	}
	if s.holes > 0 {
		s.closeGaps()
	}
}

func (s *Shard) now(e event) {
	switch {
	case e.to == nil:
		s.each(e)
	case len(e.text) == 0:
		s.enter(e.to)
	case e.to.index >= 0:
		s.members[e.to.index].w.WriteShared(e.text)
	}
}

// each gives a message to all who are members now.
func (s *Shard) each(e event) {
	if e.kept {
		s.history.add(e.text, s.group.History, s.group.historyBytes())
	}
	if len(e.text) == 0 {
		return
	}
	for i, n := 0, len(s.members); i < n; i++ {
		if w := s.members[i].w; w != nil {
			w.WriteShared(e.text)
		}
	}
}

// closeGaps closes those of members who left while something happened.
func (s *Shard) closeGaps() {
	n := 0
	for _, at := range s.members {
		if at.w != nil {
			at.m.index = n
			s.members[n] = at
			n++
		}
	}
	clear(s.members[n:])
	s.members, s.holes = s.members[:n], 0
}
