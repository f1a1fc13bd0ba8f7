package smtp

import (
	"slices"
	"strings"
	"time"
)

// QueueStats are numbers of a [Queue].
type QueueStats struct {
	Messages     int // that it holds
	Destinations int // that they are for
	Connections  int // that are open, or being opened

	// Since Start, recipients to whom a message was sent, attempts that are to be
	// made again, and recipients given up.
	Sent, Deferred, Failed uint64
}

// A QueueItem is a message in a [Queue].
type QueueItem struct {
	ID   string
	Time time.Time // when it was taken
	From string    // empty: a report
	Size int64
	To   []QueueRecipient // those who do not have it yet
}

// A QueueRecipient is one of a [QueueItem].
type QueueRecipient struct {
	Address  string
	Active   bool      // an attempt is under way
	Failed   bool      // given up; the report could not be sent yet
	Attempts int       // so far, with those for others that have not reached the destination
	Next     time.Time // the next attempt is not before that; zero before the first
	Err      string    // why the last has failed
}

// Stats returns how the Queue is doing.
func (q *Queue) Stats() QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.counts
	s.Messages, s.Destinations, s.Connections = len(q.entries), len(q.lanes), q.senders
	return s
}

// List returns the messages that the Queue holds, the oldest first.
func (q *Queue) List() []QueueItem {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := make([]QueueItem, 0, len(q.entries))
	for _, e := range q.entries {
		if len(e.jobs) == 0 { // it is being written, or removed
			continue
		}
		item := QueueItem{ID: e.name(), Time: e.Time, From: e.From, Size: e.Size}
		for _, r := range e.To {
			to := QueueRecipient{
				Address: r.Address, Active: r.active, Failed: r.State == queueFailed, Attempts: r.Attempts, Next: r.Next,
			}
			if r.Last != nil {
				to.Err = r.Last.String()
			}
			item.To = append(item.To, to)
		}
		items = append(items, item)
	}
	slices.SortFunc(items, func(a, b QueueItem) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return items
}
