package smtp

import (
	"cmp"
	"slices"
)

// A queueLane is one destination's. It is there as long as it has jobs. All here belongs to
// Queue.mu, but work, which is without.
type queueLane struct {
	destination string
	jobs        int
	ready       []*queueJob // whose time has come, first come first served
	senders     int
	listed      bool // in the ring
	reached     bool // at the last attempt; otherwise one sender is enough to find out
	missed      bool // at the last attempt: neither of both is true before the first
}

// queueTurn is how many messages a sender may send while other destinations wait.
const queueTurn = 20

func (q *Queue) lane(destination string) *queueLane {
	l := q.lanes[destination]
	if l == nil {
		l = &queueLane{destination: destination}
		q.lanes[destination] = l
	}
	return l
}

// list has a lane wait for a sender, if it may have one more.
func (q *Queue) list(l *queueLane) {
	limit := 1
	if l.reached {
		limit = cmp.Or(q.PerDestination, 2)
	}
	if !l.listed && len(l.ready) > 0 && l.senders < limit {
		l.listed = true
		q.ring = append(q.ring, l)
	}
}

// dispatch makes senders, as many as there may be.
func (q *Queue) dispatch() {
	for !q.halted && q.senders < q.connections() {
		i := slices.IndexFunc(q.ring, q.mayHave)
		if i < 0 {
			return
		}
		l := q.ring[i]
		q.ring = slices.Delete(q.ring, i, i+1)
		l.listed = false
		if len(l.ready) == 0 {
			continue
		}
		j := l.pop()
		l.senders++
		q.senders++
		hopeful := l.missed
		if hopeful {
			q.hopeful++
		}
		q.list(l)
		q.sending.Go(func() { q.work(l, j, hopeful) })
	}
}

func (q *Queue) connections() int { return cmp.Or(q.Connections, 20) }

// mayHave reports whether a lane may have a sender, if there may be one. Those that could not
// be reached leave half of them to others, for they keep theirs for long.
func (q *Queue) mayHave(l *queueLane) bool {
	return !l.missed || q.hopeful < max(1, q.connections()/2)
}

func (l *queueLane) pop() *queueJob {
	j := l.ready[0]
	l.ready[0] = nil
	l.ready = l.ready[1:]
	return j
}

// work is a sender's goroutine.
func (q *Queue) work(l *queueLane, j *queueJob, hopeful bool) {
	s := &queueSender{queue: q, lane: l}
	for served := 1; j != nil; served++ {
		s.serve(j)
		j = q.more(l, served, hopeful)
	}
	s.quit()
	q.mu.Lock()
	defer q.mu.Unlock()
	l.senders--
	q.senders--
	if hopeful {
		q.hopeful--
	}
	q.list(l)
	q.dispatch()
	q.tidy(l)
}

// more is the next job of a sender, unless it is the turn of others. What is left is for
// other senders.
func (q *Queue) more(l *queueLane, served int, hopeful bool) (j *queueJob) {
	q.mu.Lock()
	defer q.mu.Unlock()
	others := slices.ContainsFunc(q.ring, func(o *queueLane) bool { return o != l && (hopeful || q.mayHave(o)) })
	if !q.halted && len(l.ready) > 0 && (served < queueTurn || !others) {
		j = l.pop()
	}
	q.list(l)
	q.dispatch()
	return j
}

// tidy forgets a lane that nobody uses.
func (q *Queue) tidy(l *queueLane) {
	if l.jobs == 0 && l.senders == 0 {
		delete(q.lanes, l.destination)
	}
}
