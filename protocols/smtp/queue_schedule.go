package smtp

import (
	"cmp"
	"slices"
	"time"
)

// A queueJob is what is to be done of an entry at one destination: it waits for its
// time, then for its turn, and then a sender has it, until it waits again or is done.
type queueJob struct {
	entry *queueEntry
	lane  *queueLane
	to    []*queueRecipient
	timer *time.Timer // nil unless it waits for its time

	shared error             // what another job has come to, which stands for its own attempt
	given  []*queueRecipient // given up by that
}

// A queueLane is one destination's. It is there as long as it has jobs.
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

// destination is where mail for an address goes.
func (q *Queue) destination(address string) string {
	if q.Smarthost.Addr != "" {
		return q.Smarthost.Addr
	}
	a, _ := ParseAddress(address)
	return domainKey(a.Domain)
}

// schedule makes the jobs of an entry. With mu, as all that follow.
func (q *Queue) schedule(e *queueEntry) {
	known := make(map[string]*queueJob)
	for _, r := range e.To {
		d := q.destination(r.Address)
		j := known[d]
		if j == nil {
			j = &queueJob{entry: e, lane: q.lane(d)}
			j.lane.jobs++
			known[d] = j
			e.jobs = append(e.jobs, j)
		}
		j.to = append(j.to, r)
	}
	for _, j := range slices.Clone(e.jobs) {
		q.wait(j)
		q.list(j.lane)
	}
	q.dispatch()
}

func (q *Queue) lane(destination string) *queueLane {
	l := q.lanes[destination]
	if l == nil {
		l = &queueLane{destination: destination}
		q.lanes[destination] = l
	}
	return l
}

// due is when something is to be done for a recipient. No file and no clock makes that
// later than the last moment of its message, or, for a report, as long again.
func (q *Queue) due(e *queueEntry, r *queueRecipient) time.Time {
	last := q.expires(e)
	if r.State != queueWaiting {
		last = last.Add(q.maxAge())
	}
	if r.Next.After(last) {
		return last
	}
	return r.Next
}

// next is when the job is to be done, which has somebody left.
func (q *Queue) next(j *queueJob) time.Time {
	next := q.due(j.entry, j.to[0])
	for _, r := range j.to[1:] {
		if t := q.due(j.entry, r); t.Before(next) {
			next = t
		}
	}
	return next
}

// wait has the job done when it is time, if there is anything left to do. If that is now
// its lane has to be listed.
func (q *Queue) wait(j *queueJob) {
	if len(j.to) == 0 {
		j.entry.jobs = slices.DeleteFunc(j.entry.jobs, func(o *queueJob) bool { return o == j })
		j.lane.jobs--
		q.tidy(j.lane)
		return
	}
	if q.halted {
		return
	}
	d := time.Until(q.next(j))
	if d <= 0 {
		j.lane.ready = append(j.lane.ready, j)
		return
	}
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if j.timer == t {
			j.timer = nil
			q.ready(j)
		}
	})
	j.timer = t
}

// ready gives the job to a sender, when there is one.
func (q *Queue) ready(j *queueJob) {
	if q.halted {
		return
	}
	j.lane.ready = append(j.lane.ready, j)
	q.list(j.lane)
	q.dispatch()
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

// postpone has all that is ready for a destination which cannot be reached share the
// fate of the job that has found out, err: one attempt stands for all of them. Unless
// somebody is to be told nothing is written down: it may be asked anew after a restart.
func (q *Queue) postpone(found *queueJob, tried []*queueRecipient, again time.Time, why *queueFault, err error) {
	now := utcNow()
	ready := found.lane.ready
	found.lane.ready = nil
	for _, j := range append(ready, found) {
		given, late := len(j.given), false
		for _, r := range j.to {
			if r.State != queueWaiting || slices.Contains(tried, r) {
				continue
			}
			r.Attempts++
			r.Next, r.Last = again, why
			if !now.Before(q.expires(j.entry)) {
				j.given = append(j.given, r)
			}
			late = late || q.late(j.entry, r, now)
		}
		q.giveUp(j, j.given[given:], now)
		if len(j.given) > 0 || late {
			j.shared = err
			j.lane.ready = append(j.lane.ready, j)
		} else {
			q.wait(j)
		}
	}
}

// giveUp is the end for some recipients of a job.
func (q *Queue) giveUp(j *queueJob, to []*queueRecipient, now time.Time) {
	var done []*queueRecipient
	for _, r := range to {
		j.entry.dirty = true
		if q.end(j.entry, r, queuePutOff, false, now) {
			done = append(done, r)
		}
	}
	q.done(j, done)
}

// tidy forgets a lane that nobody uses.
func (q *Queue) tidy(l *queueLane) {
	if l.jobs == 0 && l.senders == 0 {
		delete(q.lanes, l.destination)
	}
}

// Flush has all messages tried now that wait for their time.
func (q *Queue) Flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := utcNow()
	for _, e := range q.entries {
		for _, j := range e.jobs {
			if j.timer == nil || q.halted {
				continue
			}
			j.timer.Stop()
			j.timer = nil
			for _, r := range j.to {
				if r.Next.After(now) {
					r.Next = now
				}
			}
			q.ready(j)
		}
	}
}
