package smtp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// Start reads what is in the folder, all envelopes of it, and begins to send through n,
// which is a reactor, and may run later. It fails if there is nowhere to send to, if the
// Smarthost never could be (a password in clear, for example), or if the folder cannot be
// used; what cannot be read there is set aside, and logged. How much mail waits is logged, too.
// A Queue is started once.
//
// When n begins to shut down the Queue stops sending, as with Close, while everything else on n
// says goodbye; n waits for the Queue's connections. What comes afterwards is still taken, for the
// next time.
func (q *Queue) Start(n factory.Network) error {
	if n == nil {
		panic("smtp: Queue.Start needs a Network, a reactor for example, and was given nil")
	}
	if err := q.claim(n); err != nil {
		return err
	}
	if err := q.open(); err != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.network = nil
		return err
	}
	if s, ok := n.(interface{ BeforeShutdown(func(done func())) }); ok {
		s.BeforeShutdown(func(done func()) {
			if w, ok := n.(protocol.Worker); !ok || w.Work(q.halt) != nil { // n waits for its workers
				go q.halt()
			}
			done() // clients need not wait for what is sent; its connections outlast this
		})
	}
	return nil
}

// claim keeps others from starting it.
func (q *Queue) claim(n factory.Network) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.network != nil || q.closed:
		return errQueueStarted
	case q.Smarthost.Addr == "" && q.Resolver == nil:
		return errQueueNowhere
	case !isDomain(q.domain()):
		return fmt.Errorf("smtp: not a domain: %q", q.domain())
	}
	if err := q.checkSmarthost(); err != nil {
		return fmt.Errorf("smtp: Queue.Smarthost: %w", err)
	}
	if err := n.Call(func() {}); err != nil {
		return err
	}
	q.network = n
	return nil
}

// checkSmarthost finds what would keep all mail waiting for ever, unless Tune sees to it.
func (q *Queue) checkSmarthost() error {
	c := q.Smarthost
	if c.Addr == "" || q.Tune != nil {
		return nil
	}
	if !c.unix() {
		if _, _, err := net.SplitHostPort(c.Addr); err != nil {
			return err
		}
	}
	err := c.check()
	if e, ok := errors.AsType[*SendError](err); ok { // nothing was to be sent
		err = e.Err
	}
	return err
}

// open reads the folder, and begins with what is there, the oldest first.
func (q *Queue) open() error {
	files, err := openQueueFiles(q.Dir)
	if err != nil {
		return err
	}
	entries, err := files.load(q.logger())
	if err != nil {
		return errors.Join(err, files.close())
	}
	slices.SortFunc(entries, func(a, b *queueEntry) int { return a.Time.Compare(b.Time) })
	now := utcNow()
	for _, e := range entries {
		e.notAfter(now)
	}
	q.tellWaiting(entries, now)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errors.Join(errQueueStarted, files.close())
	}
	q.files, q.ended = files, make(chan struct{})
	q.ctx, q.cancel = context.WithCancel(context.Background())
	q.entries, q.lanes = make(map[string]*queueEntry), make(map[string]*queueLane)
	for _, e := range entries {
		q.entries[e.ID] = e
		q.held += e.held
		q.schedule(e)
	}
	return nil
}

// tellWaiting logs how many messages there are, if any, and when the first of them is due.
func (q *Queue) tellWaiting(entries []*queueEntry, now time.Time) {
	if len(entries) == 0 {
		return
	}
	next := q.due(entries[0], entries[0].To[0])
	for _, e := range entries {
		for _, r := range e.To {
			if t := q.due(e, r); t.Before(next) {
				next = t
			}
		}
	}
	if next.Before(now) {
		next = now
	}
	q.logger().Info("smtp: mail is waiting", "messages", len(entries), "next", next)
}

// Close begins no more, waits 5 s for what is under way, and ends the rest. What becomes of
// it is written down: a message that the server has not been told the end of will be sent
// again, and so will one whose fate is unknown. The error is that something
// could not be. Then the folder is free. It may be called again, also if the Queue has not
// been started, and must not be called on the loop.
func (q *Queue) Close() error {
	q.mu.Lock()
	n := q.network
	q.mu.Unlock()
	if !protocol.MayWait(n) {
		panic("smtp: Queue.Close on the loop would wait for the loop itself; call it on another goroutine")
	}
	q.halt()
	q.mu.Lock()
	first := !q.closed && q.files != nil
	q.closed = true
	ended := q.ended
	q.mu.Unlock()
	if !first {
		if ended != nil {
			<-ended
		}
		return nil
	}
	defer close(ended)
	q.delivering.Wait()
	for _, e := range q.unwritten() {
		q.save(e)
	}
	var err error
	if n := len(q.unwritten()); n > 0 {
		err = fmt.Errorf("smtp: what has become of %d messages could not be written down", n)
	}
	return errors.Join(err, q.files.close())
}

// A lasting protocol is that of a connection on which a Queue sends. It does not end with all
// others when the loop goes down, for the message may be under way, but when the Queue has halted.
type lasting struct {
	protocol.Protocol
	queue *Queue
}

func (l *lasting) Inner() any { return l.Protocol }

// Shutdown has the connection end before long, also on a network that has no BeforeShutdown.
func (l *lasting) Shutdown() { go l.queue.halt() }

// lasting puts one around whatever else is below a connection.
func (q *Queue) lasting(wrap func(factory.Factory) factory.Factory) func(factory.Factory) factory.Factory {
	return func(f factory.Factory) factory.Factory {
		if wrap != nil {
			f = wrap(f)
		}
		return factory.Around(f, func(p protocol.Protocol, _ net.Addr) protocol.Protocol { return &lasting{p, q} })
	}
}

// queueGrace keeps those few messages from being sent twice whose end was just told.
const queueGrace = 5 * time.Second

// halt sends no more, and waits for what is being sent.
func (q *Queue) halt() {
	if !q.stop() {
		return
	}
	last := time.AfterFunc(queueGrace, q.cancel)
	q.sending.Wait()
	last.Stop()
	q.cancel()
}

// stop begins no more. There is nothing to stop if the Queue has not been started.
func (q *Queue) stop() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.halted = true
	for _, e := range q.entries {
		for _, j := range e.jobs {
			if j.timer != nil {
				j.timer.Stop()
			}
		}
	}
	return q.files != nil
}

// unwritten are the entries that could not be saved.
func (q *Queue) unwritten() (entries []*queueEntry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.entries {
		if e.dirty {
			entries = append(entries, e)
		}
	}
	return entries
}
