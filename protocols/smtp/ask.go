package smtp

import (
	"context"
	"errors"
	"syscall"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
)

// ask has the Session asked something, and goes on with the answer. Off the loop
// nothing is read until it is there.
func (s *session) ask(onLoop bool, question func() error, then func(error)) {
	if onLoop {
		then(question())
		return
	}
	s.pause()
	s.elsewhere(question).Done(func(_ struct{}, err error) { s.resume(err, then) })
}

// elsewhere runs f on a goroutine of the pool.
func (s *session) elsewhere(f func() error) *deferred.Deferred[struct{}] {
	return deferred.Go(s.Loop(), func(context.Context) (struct{}, error) { return struct{}{}, f() })
}

// pause is the beginning of a question, whose time is not the client's.
func (s *session) pause() {
	s.busy = true
	s.timer.Stop()
	s.PauseReading()
}

// resume is its end. If the loop has stopped the answer is still to come, and nobody
// will hear it.
func (s *session) resume(err error, then func(error)) {
	if errors.Is(err, protocol.ErrStopped) {
		s.LoseConnection()
		return // busy for ever
	}
	s.busy = false
	if s.lost {
		s.leave()
		return
	}
	s.timer.Reset(s.server.CommandTimeout)
	s.ResumeReading()
	then(err)
	s.mayEnd()
}

// onLoop is what x says of itself, if it is a LoopSession.
func onLoop(x any) (commands, data bool) {
	if l, ok := x.(LoopSession); ok {
		return l.OnLoop()
	}
	return false, false
}

// open makes the Session, unless there is one, and goes on if it could be made.
func (s *session) open(then func()) {
	if s.session != nil {
		s.forget(then)
		return
	}
	s.peer.Remote, s.peer.Local, s.peer.Server = s.RemoteAddr(), s.LocalAddr(), s.server.Domain
	s.peer.TLS = s.tlsState()
	made := func(err error) {
		if err != nil {
			s.answer(err, reply{})
			s.close(nil)
			return
		}
		then()
	}
	if s.server.onLoop {
		session, err := s.server.backend.NewSession(&s.peer)
		s.have(session, err)
		made(err)
		return
	}
	s.pause()
	deferred.Go(s.Loop(), func(context.Context) (Session, error) {
		return s.server.backend.NewSession(&s.peer)
	}).Done(func(session Session, err error) {
		s.have(session, err)
		s.resume(err, made)
	})
}

// have keeps a Session that could be made, which has to be left from now on.
func (s *session) have(session Session, err error) {
	if err == nil {
		s.session = session
		s.commands, s.data = onLoop(session)
	}
}

// forget ends the transaction, if there is one, and goes on.
func (s *session) forget(then func()) {
	if s.mail == nil {
		then()
		return
	}
	s.closeSpool(func() {
		s.mail, s.phase = nil, ready
		s.ask(s.commands, func() error { s.session.Reset(); return nil }, func(err error) {
			if err == nil || s.answer(err, reply{}) { // it has panicked
				then()
			}
		})
	})
}

// closeSpool closes the message's file, if there is one, and goes on: it is the
// Session's, which is asked nothing meanwhile.
func (s *session) closeSpool(then func()) {
	spool := s.mail.body.spool
	if spool == nil {
		then()
		return
	}
	s.mail.body.spool = nil
	s.ask(false, spool.Close, func(err error) {
		s.complain(struct{}{}, err)
		then()
	})
}

// leave ends the Session, if there is one.
func (s *session) leave() {
	session, m := s.session, s.mail
	if session == nil {
		return
	}
	s.session, s.mail = nil, nil
	farewell := func() error {
		if m != nil {
			session.Reset()
		}
		return session.Logout()
	}
	if m != nil && m.body.spool != nil {
		s.elsewhere(m.body.spool.Close).Done(func(_ struct{}, err error) {
			s.complain(struct{}{}, err)
			s.farewell(farewell)
		})
		return
	}
	s.farewell(farewell)
}

func (s *session) farewell(f func() error) {
	if s.commands {
		s.complain(struct{}{}, f())
	} else {
		s.elsewhere(f).Done(s.complain)
	}
}

// complain logs an error of which no client can be told.
func (s *session) complain(_ struct{}, err error) {
	if err != nil && !errors.Is(err, protocol.ErrStopped) {
		s.logger().Warn("smtp: cannot finish", "peer", s.RemoteAddr(), "err", err)
	}
}

// answer replies what the Session has answered: agreed if that is no error.
func (s *session) answer(err error, agreed reply) (ok bool) {
	r := s.replyOf(err, agreed)
	s.say(r)
	if r.code == 421 {
		s.close(nil)
	}
	return r.code < 400
}

// replyOf is an error of the Session's as a reply. What the client is not to know is
// logged.
func (s *session) replyOf(err error, agreed reply) reply {
	if err == nil {
		return agreed
	}
	if e, ok := errors.AsType[*SMTPError](err); ok && e != nil && e.Code/100 >= 2 && e.Code/100 <= 5 && e.Code/100 != 3 {
		return replyTo(e)
	}
	if _, ok := errors.AsType[*protocol.PanicError](err); ok { // it is logged
		return reply{421, "4.3.0", s.server.Domain + " Internal error, closing connection"}
	}
	s.logger().Error("smtp: cannot serve", "peer", s.RemoteAddr(), "err", err)
	if isFull(err) {
		return reply{452, "4.3.1", "Insufficient system storage"}
	}
	return reply{451, "4.3.0", "Local error in processing, try again later"}
}

// isFull reports whether there was no room for a file: on the disk, for this user, or
// for one of that size.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
