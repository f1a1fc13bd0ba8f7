package smtp

import (
	"slices"
	"time"
)

// postpone has all that is ready for a destination which cannot be reached share the
// fate of the job that has found out, err: one attempt stands for all of them. Unless
// somebody is to be told nothing is written down: it may be asked anew after a restart. With mu.
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

// giveUp is the end for some recipients of a job. With mu.
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

// share does what follows from an attempt that another job has made.
func (q *Queue) share(j *queueJob) {
	for to := range slices.Chunk(j.given, queueRecipients) {
		q.tell(j.entry, to, queuePutOff, j.shared, "")
	}
	q.settle(j)
	q.mu.Lock()
	defer q.mu.Unlock()
	j.shared, j.given = nil, nil
	q.wait(j)
}
