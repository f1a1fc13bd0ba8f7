package group

import (
	"io"

	"github.com/torsion-go/torsion/protocol"
)

// A Member is one connection's place in a Group. It belongs to the loop on which
// it joined.
type Member struct {
	shard *Shard
	out   io.Writer
	index int // in shard.members; or one of these
}

const (
	gone    = -1 // it has left
	joining = -2 // what was sent before it came has not been delivered yet
)

// enter gives m its place, if it has not left meanwhile.
func (s *Shard) enter(m *Member) {
	if m.index != joining {
		return
	}
	w, ok := protocol.As[protocol.SharedWriter](m.out)
	if !ok {
		w = copied{m.out}
	}
	m.index = len(s.members)
	s.members = append(s.members, place{w, m})
	for _, p := range s.history.last(s.group.History, s.group.historyBytes()) {
		w.WriteShared(p)
	}
}

// copied is a writer that has to copy, and gets no room behind p.
type copied struct{ io.Writer }

func (c copied) WriteShared(p []byte) (int, error) { return c.Write(p[:len(p):len(p)]) }

// Leave takes the member out of its group, at the same cost whatever the group's
// size. Nothing is delivered to it any more, whatever has been sent. It may be
// called at any time, and again.
func (m *Member) Leave() {
	if m.index == gone {
		return
	}
	s := m.shard
	switch last := len(s.members) - 1; {
	case m.index == joining:
	case s.busy:
		s.members[m.index] = place{}
		s.holes++
	default:
		s.members[m.index] = s.members[last]
		s.members[m.index].m.index = m.index
		s.members[last] = place{}
		s.members = s.members[:last]
	}
	m.index, m.out = gone, nil
	s.count--
	if s.loop != nil {
		s.group.members.Add(-1)
	}
}

// drop ends the connection of a member that cannot get all that was sent.
func (m *Member) drop() {
	w := m.out
	m.Leave()
	if n, ok := protocol.As[protocol.Notifier](w); ok {
		n.SetReason(protocol.ErrSlowPeer)
	}
	if t, ok := protocol.As[interface{ Abort() }](w); ok {
		t.Abort()
	}
}
