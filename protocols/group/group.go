// Package group sends the same bytes to many connections: a chat's room, the
// subscribers of a feed. A message is formatted once, into memory that never
// changes again, and all connections queue a reference to it.
//
//	var g group.Group
//	m := g.Join(t)                         // in ConnectionMade
//	g.Send([]byte("hello"), []byte("\r\n")) // to everyone, t included
//	m.Leave()                              // in ConnectionLost
//
// A Group belongs to the loop of its members (see package protocol).
package group

import (
	"io"

	"github.com/torsion-go/torsion/protocol"
)

// A Group is those who are sent the same. Its zero value is empty and keeps no
// history. What a member's peer does not read waits in that member's transport,
// which bounds it (MaxBacklog and SlowPeerTimeout of factory.Socket); the others
// notice nothing.
type Group struct {
	// History is how many of the messages last sent a newcomer gets first; none
	// if zero.
	History int

	// HistoryBytes is how long these may be together; 64 KiB if zero.
	HistoryBytes int

	members []place
	sending int // calls of each under way; places are not moved meanwhile
	holes   int // places left meanwhile

	history history
	kept    arena // of messages in the history
	passing arena // of the others
}

// A place is a member's slot in Group.members; w is nil if it was left.
type place struct {
	w protocol.SharedWriter
	m *Member
}

// A Member is one connection's place in a Group.
type Member struct {
	group *Group
	index int // in group.members; -1 when it has left
}

// Join adds w, which is usually a [protocol.Transport], behind the history that
// it is sent first. A w that is no [protocol.SharedWriter] (see protocol.As) gets
// each message by Write. Errors of w are ignored: ConnectionLost will tell.
func (g *Group) Join(w io.Writer) *Member {
	shared, ok := protocol.As[protocol.SharedWriter](w)
	if !ok {
		shared = copied{w}
	}
	for _, p := range g.history.last(g.History, g.historyBytes()) {
		shared.WriteShared(p)
	}
	m := &Member{group: g, index: len(g.members)}
	g.members = append(g.members, place{shared, m})
	return m
}

// copied is a writer that has to copy.
type copied struct{ io.Writer }

func (c copied) WriteShared(p []byte) (int, error) { return c.Write(p) }

// Leave takes the member out of its group, at the same cost whatever the group's
// size. It may be called at any time, and again.
func (m *Member) Leave() {
	g := m.group
	switch last := len(g.members) - 1; {
	case m.index < 0:
		return
	case g.sending > 0:
		g.members[m.index] = place{}
		g.holes++
	default:
		g.members[m.index] = g.members[last]
		g.members[m.index].m.index = m.index
		g.members[last] = place{}
		g.members = g.members[:last]
	}
	m.index = -1
}

// Len returns how many members there are.
func (g *Group) Len() int { return len(g.members) - g.holes }

// Send sends one message, the parts one behind the other, to every member, and
// keeps it in the history. The parts may be used again at once.
func (g *Group) Send(parts ...[]byte) {
	if g.History <= 0 {
		g.each(g.passing.join(parts))
		return
	}
	p := g.kept.join(parts)
	g.history.add(p, g.History, g.historyBytes())
	g.each(p)
}

// Notify is Send for what means nothing to newcomers: it leaves no trace in the
// history.
func (g *Group) Notify(parts ...[]byte) { g.each(g.passing.join(parts)) }

// each gives p to all who are members now.
func (g *Group) each(p []byte) {
	if len(p) == 0 {
		return
	}
	g.sending++
	defer g.sent()
	for i, n := 0, len(g.members); i < n; i++ {
		if w := g.members[i].w; w != nil {
			w.WriteShared(p)
		}
	}
}

// sent closes the gaps of those who left while something was sent to them.
func (g *Group) sent() {
	g.sending--
	if g.sending > 0 || g.holes == 0 {
		return
	}
	n := 0
	for _, at := range g.members {
		if at.w != nil {
			at.m.index = n
			g.members[n] = at
			n++
		}
	}
	clear(g.members[n:])
	g.members, g.holes = g.members[:n], 0
}

func (g *Group) historyBytes() int {
	if g.HistoryBytes == 0 {
		return 64 << 10
	}
	return g.HistoryBytes
}
