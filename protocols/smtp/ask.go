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
	s.work(question, func(err error) { s.resume(err, then) })
}

// work has f done on a goroutine of the pool, and goes on with what came of it. If the
// loop has stopped it does not, and the Session is left when f is done.
func (s *session) work(f func() error, then func(error)) {
	var answer error
	deferred.Go(s.Loop(), func(context.Context) (struct{}, error) {
		s.asking.Lock()
		defer s.asking.Unlock()
		if !s.left {
			answer = f()
		}
		return struct{}{}, nil
	}).Done(func(_ struct{}, err error) {
		switch {
		case errors.Is(err, protocol.ErrStopped):
			go s.stopped()
		case err != nil: // a panic
			then(err)
		default:
			then(answer)
		}
	})
}

// pause is the beginning of a question, whose time is not the client's.
func (s *session) pause() {
	s.busy = true
	s.timer.Stop()
	s.PauseReading()
}

// resume is its end.
func (s *session) resume(err error, then func(error)) {
	s.busy = false
	if s.lost {
		s.leave()
		return
	}
	s.awaitCommand()
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
	s.ask(s.server.onLoop, func() error {
		session, err := s.server.backend.NewSession(&s.peer)
		if session == nil && err == nil {
			err = errNoSession
		}
		s.have(session, err)
		return err
	}, func(err error) {
		if err != nil {
			s.answer("NewSession", err, reply{})
			s.close(nil)
			return
		}
		then()
	})
}

var errNoSession = errors.New("smtp: the Backend has returned neither a Session nor an error")

// have keeps a Session that could be made, which has to be left from now on.
func (s *session) have(session Session, err error) {
	if err == nil {
		s.session = session
		s.commands, s.data = onLoop(session)
	}
}

// answer replies what call of the Session's has answered: agreed if that is no error.
func (s *session) answer(call string, err error, agreed reply) (r reply) {
	r = s.replyOf(call, err, agreed)
	s.say(r)
	if r.code == 421 {
		s.close(nil)
	}
	return r
}

// replyOf is an error of call as a reply. What the client is not to know is logged.
func (s *session) replyOf(call string, err error, agreed reply) reply {
	if err == nil {
		return agreed
	}
	if e, ok := replied(err); ok {
		return replyTo(e)
	}
	if _, ok := errors.AsType[*protocol.PanicError](err); ok { // it is logged
		return reply{421, "4.3.0", s.server.Domain + " Internal error, closing connection"}
	}
	s.logger().Error("smtp: cannot serve", "peer", s.RemoteAddr(), "in", call, "err", err)
	if isFull(err) {
		return reply{452, "4.3.1", "Insufficient system storage"}
	}
	return reply{451, "4.3.0", "Local error in processing, try again later"}
}

// replied is an error that is a reply: 2xx, 4xx or 5xx. A nil in an error's clothes is none.
func replied(err error) (*SMTPError, bool) {
	e, ok := errors.AsType[*SMTPError](err)
	return e, ok && e != nil && e.Code/100 >= 2 && e.Code/100 <= 5 && e.Code/100 != 3
}

// accepted reports whether an answer is yes, with or without a text of its own.
func accepted(err error) bool {
	e, ok := replied(err)
	return err == nil || ok && e.Code/100 == 2
}

// isFull reports whether there was no room for a file: on the disk, for this user, or
// for one of that size.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
