package smtp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// startData has the message come (RFC 5321, section 4.1.1.4).
func (s *session) startData(string) {
	if s.phase == mailing {
		s.wrong(noRecipients)
		return
	}
	s.mail.began = s.Now()
	s.reply(354, "", "End data with <CR><LF>.<CR><LF>")
	s.SetRawMode()
	s.awaitData()
}

// dataReceived reads the message up to its end; commands follow.
func (s *session) dataReceived(p []byte) {
	m := s.mail
	n, end := m.dots.feed(p, s.bodyReceived)
	if !end {
		s.spill(s.awaitData)
		return
	}
	s.awaitCommands(p[n:])
	s.deliver()
}

func (s *session) bodyReceived(p []byte) { s.mail.body.write(p, s.server.MaxMessageBytes) }

// spill writes to a file what is too much for memory, and then goes on. Until that
// is done no more is read.
func (s *session) spill(then func()) {
	b := &s.mail.body
	if len(b.buf) <= s.server.MaxMemory {
		then()
		return
	}
	s.ask(false, func() error { return b.flush(s.openSpool) }, func(err error) {
		if b.err = err; err != nil {
			b.buf = nil
		}
		then()
	})
}

// openSpool makes a file for one message, on a worker's goroutine.
func (s *session) openSpool() (Spool, error) {
	if o, ok := s.session.(Spooler); ok {
		return o.Spool()
	}
	return tempSpool()
}

// tempSpool is a file without a name, which leaves nothing behind, whatever happens.
func tempSpool() (Spool, error) {
	f, err := os.CreateTemp("", "smtp-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// deliver hands the whole message to the Session, and ends the transaction.
func (s *session) deliver() {
	m := s.mail
	m.body.end()
	switch b := &m.body; {
	case b.bare: // what follows may have been meant for part of it, or not
		s.replyAll(reply{554, "5.6.0", "CR or LF on its own in the message"})
		s.close(ErrMalformed)
	case b.tooLarge:
		s.fail(tooLarge)
	case b.loops():
		s.fail(reply{554, "5.4.6", "Too many hops"})
	case b.err != nil:
		s.fail(s.replyOf("spool", b.err, reply{}))
	case b.spool != nil && len(b.buf) > 0:
		s.ask(false, func() error { return b.flush(s.openSpool) }, func(err error) {
			if b.err = err; err != nil {
				s.fail(s.replyOf("spool", err, reply{}))
			} else {
				s.handOver()
			}
		})
	default:
		s.handOver()
	}
}

// handOver asks the Session to take the message.
func (s *session) handOver() {
	s.ask(s.data, s.give, s.delivered)
}

// give is the question itself.
func (s *session) give() error {
	if !s.server.LMTP {
		return s.giveTo(s.session.Data)
	}
	status := newStatuses(s.mail.recipients)
	data := s.session.Data
	if l, ok := s.session.(LMTPSession); ok {
		data = func(r io.Reader) error { return l.LMTPData(r, status) }
	}
	status.rest(s.giveTo(data))
	return status
}

// giveTo has data read the message.
func (s *session) giveTo(data func(io.Reader) error) error {
	r, err := s.mail.body.rewind()
	if err != nil {
		return err
	}
	return data(r)
}

// delivered replies what the Session has answered.
func (s *session) delivered(err error) {
	errs := []error{err}
	if status, ok := err.(*statuses); ok {
		errs = status.errs
	}
	closing := false
	for _, err := range errs {
		r := s.replyOf("Data", err, reply{250, "2.0.0", "Ok"})
		s.say(r)
		s.logMessage(r, len(s.mail.recipients)/len(errs))
		closing = closing || r.code == 421
		if r.agrees() {
			s.errors = 0
		}
	}
	s.forget(func() {})
	if closing {
		s.close(nil)
	}
}

// fail refuses the message, for all recipients.
func (s *session) fail(r reply) {
	s.replyAll(r)
	s.forget(func() {})
	if r.code == 421 {
		s.close(nil)
	}
}

// replyAll says r as often as a message is answered, or once for a part of it (RFC
// 2033, sections 4.2 and 4.3).
func (s *session) replyAll(r reply) {
	n := 1
	if s.server.LMTP && !s.mail.part {
		n = len(s.mail.recipients)
	}
	for range n {
		s.say(r)
	}
	s.logMessage(r, len(s.mail.recipients))
}

// statuses are the answers for each recipient, a StatusCollector while they are
// made, on whatever goroutines, and then the error that carries them.
type statuses struct {
	recipients []string

	mu    sync.Mutex
	errs  []error
	set   []bool
	stray error // an answer for nobody: those who have none cannot be told yes
}

func newStatuses(to []string) *statuses {
	return &statuses{recipients: to, errs: make([]error, len(to)), set: make([]bool, len(to))}
}

// SetStatus answers for one recipient, or for the next of those with its name.
func (st *statuses) SetStatus(to string, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for i, r := range st.recipients {
		if r == to && !st.set[i] {
			st.errs[i], st.set[i] = err, true
			return
		}
	}
	if st.stray == nil {
		st.stray = fmt.Errorf("smtp: SetStatus for %q, who is no recipient, or has been answered for", to)
	}
}

// rest answers for the others. What is still said afterwards comes too late.
func (st *statuses) rest(err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err == nil {
		err = st.stray
	}
	for i := range st.errs {
		if !st.set[i] {
			st.errs[i], st.set[i] = err, true
		}
	}
}

func (st *statuses) Error() string { return errors.Join(st.errs...).Error() }
