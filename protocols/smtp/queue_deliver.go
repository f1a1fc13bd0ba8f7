package smtp

import (
	"cmp"
	"crypto/rand"
	"io"
	"time"
)

var _ SpoolDelivery = (*Queue)(nil)

// Deliver takes the message, for all recipients or none. When it returns nil it is on the
// disk. Who sends a message of his own gives no Peer: one that others have brought gets a
// Received line, which names them, and may not begin with a space or a tab (554 5.6.0). Of
// Options those of 8BITMIME, SMTPUTF8, DSN and REQUIRETLS count; what requires TLS waits for a
// server that has a certificate for the name by which the Resolver knows it, whatever Tune says
// of names and of whether to look; a Smarthost for the name it was given. Whose certificates are
// trusted (RootCAs) is for Tune and Smarthost to say; what else they verify comes besides.
func (q *Queue) Deliver(e *Envelope, message io.ReadSeeker) error {
	checkDeliver(e, message)
	known := *e
	if known.Time.IsZero() {
		known.Time = time.Now()
	}
	n, err := newQueueEntry(&known)
	if err != nil {
		return err
	}
	if err := q.admit(n); err != nil {
		return err
	}
	defer q.delivering.Done()
	known.ID = n.name()
	if err := q.write(n, known.relayed(), message); err != nil {
		q.forget(n)
		return err
	}
	q.logger().Info("smtp: queued", "id", n.name(), "from", n.From, "to", len(n.To), "bytes", n.Size)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.schedule(n)
	return nil
}

// relayed is what is written in front of a message that is passed on.
func (e *Envelope) relayed() []byte {
	if e.Peer == nil {
		return nil
	}
	return e.Received()
}

// write puts an entry there. If its message was received there nothing is copied.
func (q *Queue) write(n *queueEntry, head []byte, message io.ReadSeeker) (err error) {
	if len(head) > 0 {
		if err := guarded(func() error { return checkBeginning(message) }); err != nil {
			return err
		}
	}
	var d *draft
	if s, ok := message.(*draftSpool); ok && s.is(q, ".", head) {
		d, err = s.adopt()
	} else {
		d, err = q.files.write(head, message)
	}
	if err != nil {
		return err
	}
	defer d.discard()
	return q.files.add(n, d)
}

// Spool makes the file for a large message, with what stands before it: Deliver need
// only rename it. Until it is closed it has two descriptors.
func (q *Queue) Spool(e *Envelope) (Spool, error) {
	q.mu.Lock()
	files, closed := q.files, q.closed
	q.mu.Unlock()
	if files == nil || closed {
		return nil, errQueueDown
	}
	root, err := files.root.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	return newDraftSpool(q, root, ".", e.relayed())
}

// admit keeps room for an entry, under an ID that is free. Its Done is owed to
// delivering then.
func (q *Queue) admit(n *queueEntry) error {
	data, err := n.encode()
	if err != nil {
		return err
	}
	if len(data)+len(n.To)*maxQueueGrowth > maxQueueFile {
		return errQueueTooMany
	}
	n.held = int64(len(data))
	messages, bytes := cmp.Or(q.MaxMessages, 10_000), int64(queueMemory)
	if n.From == "" { // a report, after which there will be room, comes by whatever way
		messages, bytes = 2*messages, 2*bytes
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.files == nil || q.closed:
		return errQueueDown
	case len(q.entries) >= messages || q.held+n.held > bytes:
		return errQueueFull
	}
	if q.entries[n.ID] != nil || !isQueueID(n.ID) {
		n.Name = plainText(n.ID)
		n.ID = rand.Text()
	}
	q.entries[n.ID] = n
	q.held += n.held
	q.delivering.Add(1)
	return nil
}

// forget makes room again.
func (q *Queue) forget(e *queueEntry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.entries, e.ID)
	q.held -= e.held
}
