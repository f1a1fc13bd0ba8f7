package smtp

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
)

// Reasons for which a server ends a connection.
var (
	// ErrTimeout ends one whose client was too slow (CommandTimeout, DataTimeout,
	// MessageTimeout).
	ErrTimeout = errors.New("smtp: the client took too long")

	// ErrTooManyErrors ends one whose client has tried too much.
	ErrTooManyErrors = errors.New("smtp: too many errors")

	// ErrMalformed ends one where it is not sure any more what is message and what
	// is command: after a CR or LF on its own in a message, and a BDAT that is not
	// understood.
	ErrMalformed = errors.New("smtp: malformed message")
)

// A session is the server's side of one connection.
//
//	greeted --EHLO--> ready --MAIL--> mailing --RCPT--> addressed --DATA--> ready
//	                                                    addressed --BDAT--> chunking --LAST--> ready
//
// EHLO and RSET go back to ready from wherever, STARTTLS to greeted. While its
// Session is asked something the session is busy, and does not read.
type session struct {
	line.Base
	server *server
	timer  clock.Timer // of what the client may take its time for
	phase  phase
	busy   bool // the Session has not answered yet
	lost   bool // ConnectionLost has come
	ending bool // the server goes down
	hurry  bool // at once, whatever is under way
	user   bool // it has proved who it is

	commands, data bool // the Session's OnLoop

	left   bool       // the loop has stopped; under asking
	asking sync.Mutex // held by the worker that asks

	session Session // nil before EHLO
	peer    Peer    // whom the Session talks to

	auth  *exchange    // that the client answers to
	mail  *transaction // nil when there is none
	chunk *chunk       // that is being read

	errors  int32 // commands that the client got wrong
	refused int32 // recipients that it asked for in vain
	logins  int32 // that failed
}

// A phase is how far the client has come.
type phase uint8

const (
	greeted phase = 1 << iota
	ready
	mailing
	addressed
	chunking

	said    = ready | mailing | addressed | chunking // hello
	anytime = greeted | said
)

// A transaction is one message on its way.
type transaction struct {
	from       string
	utf8       bool
	part       bool      // only a chunk that is not the last is answered
	began      time.Time // to arrive
	recipients []string  // those that were accepted
	full       bool      // there were more than it may have
	dots       dots
	body       body
}

func (s *session) ConnectionMade(*line.Conn) {
	s.phase = greeted
	s.timer = s.AfterFunc(s.server.CommandTimeout, s.tooSlow)
	s.reply(220, "", s.server.Domain+" "+s.name()+" Torsion")
}

// name is that of the protocol.
func (s *session) name() string {
	if s.server.LMTP {
		return "LMTP"
	}
	return "ESMTP"
}

// LineReceived is the next command, or what the client says to authenticate.
func (s *session) LineReceived(l []byte) {
	s.awaitCommand()
	if s.auth != nil {
		s.authenticate(l)
	} else {
		s.command(l)
	}
	s.mayEnd()
}

// RawDataReceived is the next part of a message.
func (s *session) RawDataReceived(p []byte) {
	s.awaitData()
	if s.chunk != nil {
		s.chunkReceived(p)
	} else {
		s.dataReceived(p)
	}
	s.mayEnd()
}

// awaitData gives the client time for the next bytes of its message.
func (s *session) awaitData() {
	var began time.Time
	if c := s.chunk; c != nil && c.refused.code != 0 {
		began = c.began
	} else {
		began = s.mail.began
	}
	s.timer.Reset(min(s.server.DataTimeout, s.server.MessageTimeout-s.Now().Sub(began)))
}

// awaitCommands goes back to lines: rest, and what follows.
func (s *session) awaitCommands(rest []byte) {
	s.SetLineMode(rest)
	s.awaitCommand()
}

// awaitCommand gives the client time for its next command: between the chunks of a message
// no more than is left for that.
func (s *session) awaitCommand() {
	d := s.server.CommandTimeout
	if s.phase == chunking {
		d = min(d, s.server.MessageTimeout-s.Now().Sub(s.mail.began))
	}
	s.timer.Reset(d)
}

// tooSlow ends the connection of a client that takes too long.
func (s *session) tooSlow() {
	s.bye(421, "4.4.2", "Timeout, closing connection", ErrTimeout)
}

// lastWords is how long before the time to drain is over a client is told so: time for that to
// arrive. Of a short drain it is a tenth.
const lastWords = time.Second

// Shutdown says goodbye, after the message that is under way, or when there is no more time
// for that.
func (s *session) Shutdown() {
	s.ending = true
	if at, ok := protocol.DrainEnd(s.Loop()); ok && s.underWay() {
		left := at.Sub(s.Now())
		s.AfterFunc(left-min(left/10, lastWords), func() {
			s.hurry = true
			s.mayEnd()
		})
	}
	s.mayEnd()
}

// mayEnd ends the connection if the server goes down and nothing is under way, or may be any
// more. Who waits for a Session's answer is told that first.
func (s *session) mayEnd() {
	if s.ending && !s.busy && (s.hurry || !s.underWay()) {
		s.bye(421, "4.3.2", "Service is shutting down", nil)
	}
}

// underWay reports whether the client is within a transaction, or logs in.
func (s *session) underWay() bool { return s.mail != nil || s.auth != nil }

// bye says a last word, which it returns, and ends the connection, whose reason is err if it
// is not nil.
func (s *session) bye(code int, enhanced, text string, err error) reply {
	r := reply{code, enhanced, s.server.Domain + " " + text}
	s.say(r)
	s.close(err)
	return r
}

func (s *session) close(reason error) {
	if n, ok := protocol.As[protocol.Notifier](s.Conn); ok && reason != nil {
		n.SetReason(reason)
	}
	s.LoseConnection()
}

func (s *session) ConnectionLost(error) {
	s.lost = true
	if !s.busy {
		s.leave()
	}
}

// tlsState returns that of the connection, nil in clear.
func (s *session) tlsState() *tls.ConnectionState {
	if t, ok := protocol.As[protocol.TLSStater](s.Conn); ok {
		if state, ok := t.TLSState(); ok {
			return &state
		}
	}
	return nil
}

func (s *session) logger() *slog.Logger { return protocol.LoggerOf(s.Loop()) }
