package group

import (
	"reflect"
	"slices"

	"github.com/torsion-go/torsion/protocol"
)

const (
	eventWeight = 64       // of an event besides its text
	batchWeight = 16 << 10 // of what a call delivers
	maxSpare    = 1024     // events for which empty lists keep room
)

// A queue has the events that a shard's loop has not come to. Group.mu guards it.
//
//	empty --event--> waiting --calls on the loop--> empty
//	                    | more than MaxBacklog         ^
//	                    '--> lost --call on the loop---'
//
// Invariant: while it is not empty a call of deliver is posted, or about to be by
// whoever put the first event there. A call delivers little, and posts another for
// the rest, so that the loop sends in between: a member's transport would take
// much at once for a backlog.
type queue struct {
	waiting []event // from first on
	first   int
	weight  int // of the messages among them
	posted  bool
	lost    bool // messages are missing: nobody who waited for them stays
	deliver func()
}

// spread has a message happen to everyone, on from at once if nothing waits there.
// A nil from is none of the loops. No delivery, and no call of a loop, is made
// under the mutex.
func (g *Group) spread(from *Shard, keep bool, parts [][]byte) {
	var few [8]*Shard
	due, now := few[:0], false
	g.mu.Lock()
	e := g.message(keep, parts)
	if len(e.text) == 0 {
		g.mu.Unlock()
		return
	}
	g.remember(e)
	for _, s := range g.shards {
		switch {
		case s == from && s.idle():
			now = true
		case s.put(e, g.maxBacklog()):
			due = append(due, s)
		}
	}
	g.mu.Unlock()
	for _, s := range due {
		s.ring()
	}
	if now {
		from.happen(e)
	}
}

// direct is spread for what happens to one member.
func (g *Group) direct(from *Shard, e event) {
	to := e.to.shard
	g.mu.Lock()
	now := to == from && to.idle()
	due := !now && to.put(e, g.maxBacklog())
	g.mu.Unlock()
	switch {
	case now:
		to.happen(e)
	case due:
		to.ring()
	}
}

// idle reports, on the shard's loop, whether all events have happened that are
// not its own.
func (s *Shard) idle() bool { return !s.posted && !s.busy }

// put puts e behind the rest, and reports whether deliver has to be posted.
func (q *queue) put(e event, limit int) (ring bool) {
	w := len(e.text) + eventWeight
	switch {
	case e.isJoin():
		q.waiting = append(q.waiting, e)
	case q.lost:
	case limit >= 0 && q.weight > 0 && q.weight+w > limit:
		q.lose()
	default:
		q.waiting = append(q.waiting, e)
		q.weight += w
	}
	ring = !q.posted
	q.posted = true
	return ring
}

func (e event) isJoin() bool { return e.to != nil && len(e.text) == 0 }

// lose forgets all messages. Those who are about to join miss none of them: they
// will begin with a history that has them.
func (q *queue) lose() {
	q.waiting = slices.DeleteFunc(slices.Clone(q.waiting[q.first:]), func(e event) bool { return !e.isJoin() })
	q.first, q.weight, q.lost = 0, 0, true
}

// take moves the first events to happening. The rest waits for another call.
func (q *queue) take(happening []event) []event {
	for weight := 0; q.first < len(q.waiting) && weight < batchWeight; q.first++ {
		e := q.waiting[q.first]
		happening = append(happening, e)
		weight += eventWeight + len(e.text)
		if !e.isJoin() {
			q.weight -= eventWeight + len(e.text)
		}
	}
	if left := len(q.waiting) - q.first; left <= q.first { // so moving costs little for each
		copy(q.waiting, q.waiting[q.first:])
		clear(q.waiting[left:])
		q.waiting, q.first = q.waiting[:left], 0
	}
	q.posted = len(q.waiting) > 0
	if !q.posted && cap(q.waiting) > maxSpare {
		q.waiting = nil
	}
	return happening
}

// ring posts deliver. Its loop's end is that of the shard.
func (s *Shard) ring() {
	if s.loop.Call(s.deliver) == nil {
		return
	}
	g := s.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.shards, s); i >= 0 {
		g.shards = slices.Delete(slices.Clone(g.shards), i, i+1)
	}
	s.waiting, s.first, s.weight, s.lost = nil, 0, 0, true // and takes no more
}

// caughtUp runs on the loop, in an event of its own.
func (s *Shard) caughtUp() {
	s.group.mu.Lock()
	lost := s.lost
	if lost {
		s.lost = false
		s.history = s.group.history.clone()
	}
	s.happening = s.take(s.happening)
	again := s.posted
	s.group.mu.Unlock()
	if again {
		s.ring()
	}
	if lost {
		s.dropAll()
	}
	s.goOn()
}

// dropAll drops those who have missed something.
func (s *Shard) dropAll() {
	protocol.LoggerOf(s.loop).Warn("group: a loop fell behind, its members are dropped", "members", len(s.members))
	for _, at := range slices.Clone(s.members) {
		at.m.drop()
	}
}

// same reports whether a and b are one loop, as far as they can be compared.
func same(a, b protocol.Loop) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && a == b
}
