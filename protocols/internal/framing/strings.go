package framing

import "github.com/torsion-go/torsion/protocol"

// Strings is the Receiver of a framing whose messages announce their length.
type Strings struct {
	Receiver
	Splitter Splitter
	handler  Handler
}

// A Handler is that of any such framing, but for ConnectionMade.
type Handler interface {
	StringReceived(s []byte)
	ConnectionLost(reason error)
}

// Init makes s hand its input to h.
func (s *Strings) Init(h Handler, f *Format, maxLength int) {
	s.handler = h
	s.Splitter = Splitter{Format: f, MaxLength: maxLength}
	s.Receiver = Receiver{Handler: h, Input: &s.Splitter, Next: s.next}
}

// EOFReceived has the connection end with Truncated if the peer has not finished
// a message that it began. Otherwise it is the Handler's, if that has one.
func (s *Strings) EOFReceived() (keep bool) {
	if h, ok := protocol.As[protocol.EOFReceiver](s.handler); ok {
		keep = h.EOFReceived()
	}
	if s.Splitter.Len() > 0 {
		s.setReason(s.Splitter.Format.Truncated)
	}
	return keep
}

// next hands up one message. It returns false if there is none.
func (s *Strings) next() bool {
	if s.Splitter.Next() {
		s.handler.StringReceived(s.Splitter.Body())
		return true
	}
	switch err := s.Splitter.Err(); err {
	case nil:
		return false
	case s.Splitter.Format.TooLong:
		s.tooLong(err)
	default:
		s.fail(err)
	}
	return true
}

// tooLong ends the connection unless the Handler keeps it.
func (s *Strings) tooLong(err error) {
	length := s.Splitter.Announced()
	s.Splitter.Skip()
	h, ok := protocol.As[interface {
		StringTooLong(length uint64) (keep bool)
	}](s.handler)
	if !ok || !h.StringTooLong(length) {
		s.fail(err)
	}
}
