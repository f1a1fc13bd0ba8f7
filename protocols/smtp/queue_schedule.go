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

	settling bool // its attempt is over

	shared error             // what another job has come to, which stands for its own attempt
	given  []*queueRecipient // given up by that
}

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
	var reports string // the destination whose job reports
	for _, r := range e.To {
		d := q.destination(r.Address)
		if r.State != queueWaiting {
			reports = cmp.Or(reports, d)
			d = reports
		}
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
	j.settling = false
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

// Flush has all messages tried now that wait for their time: for an operator who knows that a
// server is back, by a signal for example. See examples/smtp.
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
