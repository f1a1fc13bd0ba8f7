// Package group sends the same bytes to many connections: a chat's room, the
// subscribers of a feed. A message is formatted once, into memory that never
// changes again, and all connections queue a reference to it.
//
//	var g group.Group
//	m := g.Join(t)                          // in ConnectionMade
//	g.Send([]byte("hello"), []byte("\r\n")) // to everyone, t included
//	m.Leave()                               // in ConnectionLost
//
// So used, a Group belongs to the loop of its members (see package protocol), and
// nothing is locked.
//
// # Several loops
//
// Where connections live on several loops, each loop has a [Shard] of the group,
// with the same methods:
//
//	var feed group.Group
//	pool.Listen("tcp", ":7000", func(n factory.Network) factory.Factory {
//		here := feed.On(n)
//		return factory.Each(func() protocol.Protocol { return &subscriber{feed: here} })
//	})
//
// All members on all loops then get one sequence of messages, from where they
// joined it on. A message is put into the queues of all shards under one mutex,
// and delivered by each loop, as soon as it comes to it: by the sender's in the
// same event, unless others' messages wait there, which go first. So nobody reads
// an answer before its question.
package group

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/torsion-go/torsion/protocol"
)

// A Group is those who are sent the same. Its zero value is empty and keeps no
// history. What a member's peer does not read waits in that member's transport,
// which bounds it (MaxBacklog and SlowPeerTimeout of factory.Socket); the others
// notice nothing.
type Group struct {
	// History is how many of the messages last sent a newcomer gets first; none
	// if zero. Like what follows it is set before the first call of On.
	History int

	// HistoryBytes is how long these may be together; 64 KiB if zero.
	HistoryBytes int

	// MaxBacklog is how many bytes may wait for a loop that does not come to
	// deliver them, because a callback holds it; 8 MiB if zero, no limit if
	// negative. A message counts for 64 bytes besides its text, which is in memory
	// once, whatever the number of loops. What happens to those on a loop that has
	// fallen behind so far is what happens to a peer that has: they get no sequence
	// with a gap, but are dropped with protocol.ErrSlowPeer, when their loop goes
	// on. Those on other loops notice nothing.
	MaxBacklog int

	only    Shard        // of a Group on a single loop, which locks nothing
	split   atomic.Bool  // On was given a loop, so only is not used
	members atomic.Int64 // on all loops

	mu      sync.Mutex // guards what follows, and the queue of each shard
	shards  []*Shard   // on loops that have not stopped
	history history    // what a shard's will be when it has caught up
	kept    arena      // of messages in the history
	passing arena      // of the others
}

// On returns the group's shard on a loop, always the same one for the same value: give
// it the network that Pool.Listen has, or Transport.Loop, not now one and now the other.
// It may be called from anywhere; the shard belongs to the loop. A shard whose loop has
// stopped drops out. Nil stands for the only loop there is: this is the shard that Join
// and Send of the Group itself use, and the two ways exclude each other.
func (g *Group) On(loop protocol.Loop) *Shard {
	if loop == nil {
		return g.onOnly()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.only.group != nil {
		panic("group: used without On already; call On for each loop, before anybody joins or sends")
	}
	g.split.Store(true)
	for _, s := range g.shards {
		if same(s.loop, loop) {
			return s
		}
	}
	s := &Shard{group: g, loop: loop, history: g.history.clone()}
	s.deliver = s.caughtUp
	g.shards = append(g.shards, s)
	return s
}

func (g *Group) onOnly() *Shard {
	if g.split.Load() {
		panic("group: on several loops; join what On(loop) has returned")
	}
	g.only.group = g
	return &g.only
}

// Join is that of the only Shard.
func (g *Group) Join(w io.Writer) *Member { return g.onOnly().Join(w) }

// Len returns how many members there are. In a Group on several loops it may be
// called from anywhere.
func (g *Group) Len() int {
	if g.split.Load() {
		return int(g.members.Load())
	}
	return g.only.count
}

// Send sends one message, the parts one behind the other, to every member, and
// keeps it in the history. The parts may be used again at once. In a Group on
// several loops it may be called from anywhere, and each loop delivers later.
func (g *Group) Send(parts ...[]byte) {
	if g.split.Load() {
		g.spread(nil, true, parts)
		return
	}
	g.onOnly().Send(parts...)
}

// Notify is Send for what means nothing to newcomers: it leaves no trace in the
// history.
func (g *Group) Notify(parts ...[]byte) {
	if g.split.Load() {
		g.spread(nil, false, parts)
		return
	}
	g.onOnly().Notify(parts...)
}

// message formats what is for everyone.
func (g *Group) message(keep bool, parts [][]byte) event {
	if keep && g.History > 0 {
		return event{text: g.kept.join(parts), kept: true}
	}
	return event{text: g.passing.join(parts)}
}

// remember is for the history that shards begin with.
func (g *Group) remember(e event) {
	if e.kept {
		g.history.add(e.text, g.History, g.historyBytes())
	}
}

func (g *Group) historyBytes() int {
	if g.HistoryBytes == 0 {
		return 64 << 10
	}
	return g.HistoryBytes
}

func (g *Group) maxBacklog() int {
	if g.MaxBacklog == 0 {
		return 8 << 20
	}
	return g.MaxBacklog
}
