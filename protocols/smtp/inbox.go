package smtp

import (
	"context"
	"io"
	"slices"
	"sync"
)

// What an Inbox holds unless it is told otherwise.
const (
	inboxMessages = 1_000
	inboxBytes    = 64 << 20
)

// An Inbox is a Delivery that keeps messages in memory, for tests and for looking
// at what a program sends. The zero value is ready. All methods may be called from
// any goroutine; the fields may not change once it is in use.
type Inbox struct {
	// MaxMessages and MaxBytes bound what it holds; 1,000 and 64 MiB if zero, nothing if
	// negative. Addresses and options count as the text does. A message that does not fit
	// is refused with 452 4.3.1, so that it is tried again; one that never can with 552
	// 5.3.4.
	MaxMessages int
	MaxBytes    int64

	// DropOldest makes room instead, by forgetting those that came first.
	DropOldest bool

	mu       sync.Mutex
	messages []Message
	bytes    int64
	arrival  chan struct{} // closed by the next Deliver; nil if nobody waits
}

// A Message is one that an [Inbox] has taken. Who reads it may not change it.
type Message struct {
	Envelope
	Text []byte // as it came, CRLF and all, without trace
}

func (m *Message) size() int64 {
	n := len(m.Text) + len(m.From) + len(m.Options.EnvelopeID)
	if m.Options.Auth != nil {
		n += len(*m.Options.Auth)
	}
	for _, r := range m.To {
		n += len(r.Address) + len(r.Options.OriginalRecipient)
		for _, word := range r.Options.Notify {
			n += len(word)
		}
	}
	return int64(n)
}

var (
	errInboxFull              = &SMTPError{Code: 452, EnhancedCode: EnhancedCode{4, 3, 1}, Message: "Inbox full"}
	errNeverFits              = &SMTPError{Code: 552, EnhancedCode: EnhancedCode{5, 3, 4}, Message: "Message too big for this inbox"}
	_            LoopDelivery = (*Inbox)(nil)
)

// OnLoop says that Deliver waits for nothing. (A message too large for memory comes
// in a file that was written just now, and reading it is a copy, too.)
func (i *Inbox) OnLoop() bool { return true }

// Deliver keeps the message.
func (i *Inbox) Deliver(e *Envelope, message io.ReadSeeker) error {
	checkDeliver(e, message)
	size, err := message.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size > i.maxBytes() { // before so much is made room for
		return errNeverFits
	}
	if _, err := message.Seek(0, io.SeekStart); err != nil {
		return err
	}
	m := Message{Envelope: *e, Text: make([]byte, size)}
	if _, err := io.ReadFull(message, m.Text); err != nil {
		return err
	}
	peer := *e.peer() // who may go on, and change
	m.Peer = &peer
	return i.keep(m)
}

func (i *Inbox) keep(m Message) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if m.size() > i.maxBytes() || i.maxMessages() < 0 {
		return errNeverFits
	}
	for i.bytes+m.size() > i.maxBytes() || len(i.messages) >= i.maxMessages() {
		if !i.DropOldest {
			return errInboxFull
		}
		i.take()
	}
	i.messages = append(i.messages, m)
	i.bytes += m.size()
	if i.arrival != nil {
		close(i.arrival)
		i.arrival = nil
	}
	return nil
}

// take removes the oldest. There must be one.
func (i *Inbox) take() Message {
	m := i.messages[0]
	i.messages[0] = Message{}
	i.messages = i.messages[1:]
	i.bytes -= m.size()
	return m
}

// Messages returns those it holds, the oldest first.
func (i *Inbox) Messages() []Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.messages)
}

// Next takes the oldest message out, waiting for one until ctx ends. Several may
// wait; each message goes to one of them.
func (i *Inbox) Next(ctx context.Context) (Message, error) {
	for {
		m, arrival, ok := i.next()
		if ok {
			return m, nil
		}
		select {
		case <-arrival:
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

// next returns a message, or what is closed when there may be one.
func (i *Inbox) next() (m Message, arrival <-chan struct{}, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.messages) > 0 {
		return i.take(), nil, true
	}
	if i.arrival == nil {
		i.arrival = make(chan struct{})
	}
	return Message{}, i.arrival, false
}

// Clear forgets all messages.
func (i *Inbox) Clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.messages, i.bytes = nil, 0
}

func (i *Inbox) maxMessages() int {
	if i.MaxMessages == 0 {
		return inboxMessages
	}
	return i.MaxMessages
}

func (i *Inbox) maxBytes() int64 {
	if i.MaxBytes == 0 {
		return inboxBytes
	}
	return i.MaxBytes
}
