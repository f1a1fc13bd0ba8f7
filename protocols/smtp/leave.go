package smtp

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/torsion-go/torsion/protocol"
)

// forget ends the transaction, if there is one, and goes on.
func (s *session) forget(then func()) {
	if s.mail == nil {
		then()
		return
	}
	s.closeSpool(func() {
		s.mail, s.phase = nil, ready
		s.awaitCommand()
		s.ask(s.commands, func() error { s.session.Reset(); return nil }, func(err error) {
			if err == nil || s.answer("Reset", err, reply{}).agrees() { // it has panicked
				then()
			}
		})
	})
}

// closeSpool closes the message's file, if there is one, and goes on: it is the
// Session's, which is asked nothing meanwhile.
func (s *session) closeSpool(then func()) {
	if s.mail.body.spool == nil {
		then()
		return
	}
	s.ask(false, s.mail.body.close, func(err error) {
		s.complain(err)
		then()
	})
}

// leave ends the Session of a connection that has ended, if there is one.
func (s *session) leave() {
	spooled := s.mail != nil && s.mail.body.spool != nil
	switch {
	case s.session == nil:
	case !s.commands:
		s.work(s.farewell, s.complain)
	case spooled:
		s.work(s.mail.body.close, func(err error) {
			s.complain(err)
			s.leave()
		})
	default:
		s.complain(s.farewell())
	}
}

// farewell is all that a Session has to be told at its end.
func (s *session) farewell() (err error) {
	session, m := s.session, s.mail
	s.session, s.mail = nil, nil
	if m != nil {
		err = m.body.close()
		session.Reset()
	}
	return errors.Join(err, doing("log out", session.Logout()))
}

// stopped leaves the Session where the loop has stopped, on a goroutine of its own: when
// it has answered what it was asked. What has not been asked never will be.
func (s *session) stopped() {
	s.asking.Lock()
	defer s.asking.Unlock()
	s.left = true
	defer func() {
		if p := recover(); p != nil {
			s.complain(&protocol.PanicError{Value: p, Stack: debug.Stack()})
		}
	}()
	if s.session != nil {
		s.complain(s.farewell())
	}
}

// doing is err, if it is one, with what could not be done.
func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// complain logs an error of which no client can be told.
func (s *session) complain(err error) {
	if err != nil {
		s.logger().Warn("smtp: cannot finish", "peer", s.RemoteAddr(), "err", err)
	}
}
