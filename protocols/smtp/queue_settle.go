package smtp

import (
	"slices"
	"time"

	gosmtp "github.com/emersion/go-smtp"
)

// settle writes down where an entry stands, and reports what is to be reported: at least once, for
// who is killed between a report and the second writing has it to do again.
func (q *Queue) settle(j *queueJob) {
	q.handOver(j)
	owed, late := q.owed(j)
	if len(owed)+len(late) > 0 {
		q.save(j.entry)
		err := q.report(j.entry, slices.Concat(owed, late))
		q.reported(j, owed, late, err)
	}
	q.save(j.entry)
}

// handOver leaves it to another job of the entry to report what is to be reported, if one
// will be so far soon, so that the sender hears of all destinations at once.
func (q *Queue) handOver(j *queueJob) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.settling = true
	i := slices.IndexFunc(j.entry.jobs, func(o *queueJob) bool {
		return o.timer == nil && !o.settling && len(o.lane.ready) < queueTurn
	})
	if i < 0 || q.halted {
		return
	}
	other := j.entry.jobs[i]
	j.to = slices.DeleteFunc(j.to, func(r *queueRecipient) bool {
		done := r.State != queueWaiting
		if done {
			other.to = append(other.to, r)
		}
		return done
	})
}

// queueDelay is after which time a sender who wants to be told of a delay is.
const queueDelay = 4 * time.Hour

// owed are the recipients of whom the sender is to be told: what has become of them, and
// that they take long.
func (q *Queue) owed(j *queueJob) (owed, late []*queueRecipient) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := utcNow()
	for _, r := range j.to {
		switch {
		case r.State != queueWaiting:
			owed = append(owed, r)
		case q.late(j.entry, r, now):
			late = append(late, r)
		}
	}
	return owed, late
}

// late reports whether the sender is to be told that it takes long. With mu.
func (q *Queue) late(e *queueEntry, r *queueRecipient, now time.Time) bool {
	return now.Sub(e.Time) >= queueDelay && r.State == queueWaiting && !r.Warned && r.Attempts > 0 &&
		e.wants(r, gosmtp.DSNNotifyDelayed)
}

// reported notes that a report is on its way, or is to be tried again. That is done as
// long as it was for the message.
func (q *Queue) reported(j *queueJob, owed, late []*queueRecipient, err error) {
	now := utcNow()
	refused, ok := replied(err)
	hopeless := ok && !refused.Temporary() || !now.Before(q.expires(j.entry).Add(q.maxAge()))
	again := err != nil && !hopeless
	var backoff time.Duration
	if err != nil {
		q.logger().Error("smtp: cannot report", "id", j.entry.name(), "to", j.entry.From, "err", err, "again", again)
		backoff = q.backoff(slices.Concat(owed, late)[0].Attempts + 1)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	j.entry.dirty = true
	if again {
		for _, r := range owed {
			r.Attempts++
			r.Next = now.Add(backoff)
		}
		return
	}
	for _, r := range late {
		r.Warned = true
	}
	q.done(j, owed)
}

// save writes an entry to the disk if that says something else, or removes it. What
// cannot be written is in a while, or with what comes next.
func (q *Queue) save(e *queueEntry) {
	e.writing.Lock()
	defer e.writing.Unlock()
	q.mu.Lock()
	data, err := e.encode()
	dirty, done := e.dirty, len(e.To) == 0
	e.dirty = false
	q.mu.Unlock()
	switch {
	case !dirty:
		return
	case done:
		err = q.files.remove(e.ID)
	case err == nil:
		err = q.files.save(e.ID, data)
	}
	if err != nil {
		q.logger().Error("smtp: cannot write down what a queue has done", "id", e.name(), "err", err)
		q.saveLater(e)
	}
	if done && err == nil {
		q.forget(e)
	}
}

// queueSaveAgain is how long to wait for a disk.
const queueSaveAgain = time.Minute

// saveLater has an entry saved again that could not be: if the process ended before, somebody
// would get the message twice.
func (q *Queue) saveLater(e *queueEntry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e.dirty = true
	if e.again {
		return
	}
	e.again = true
	time.AfterFunc(queueSaveAgain, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if e.again = false; !q.halted { // otherwise Close does it
			q.sending.Go(func() { q.save(e) })
		}
	})
}
