package ftp

import (
	"context"
	"errors"
	"log/slog"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
)

// Reasons for which a server ends a connection.
var (
	// ErrTimeout ends one whose client was silent for too long (IdleTimeout), or has not
	// logged in for too long (LoginTimeout).
	ErrTimeout = errors.New("ftp: the client took too long")

	// ErrTooManyErrors ends one whose client has got twenty commands wrong and nothing
	// done between, or has said three wrong passwords.
	ErrTooManyErrors = errors.New("ftp: too many errors")
)

// Bounds of what a client may do wrong, and of a command in octets without its CRLF:
// paths are up to 4096 on the systems that we run on.
const (
	maxLine   = 4096 + 64
	maxErrors = 20
	maxHeld   = 32 // commands that wait for the end of a transfer
)

// A session is the control connection of one client.
type session struct {
	line.Base
	server *server
	timer  clock.Timer // for the next command
	entry  clock.Timer // for the login
	busy   bool        // an answer is still to come; nothing is read
	lost   error       // what ConnectionLost has said; nil before
	ending bool        // the server goes down
	left   bool        // the last word was said

	peer    Peer
	user    string   // whom the client says to be
	account *Account // nil before it has proved it
	cwd     string
	errors  int32 // since something was achieved
	logins  int32 // that failed

	image      bool   // TYPE I, not A
	private    bool   // PROT P
	sized      bool   // PBSZ was said
	onlyEPSV   bool   // EPSV ALL was said
	rest       int64  // of REST; the next transfer forgets it
	renameFrom string // of RNFR; the next command forgets it
	facts      facts

	data channel
	held []string // commands that came during the transfer
}

func (s *session) ConnectionMade(*line.Conn) {
	s.data.s = s
	s.timer = s.AfterFunc(s.server.IdleTimeout, s.idle)
	s.entry = s.AfterFunc(s.server.LoginTimeout, s.outstayed)
	s.begin()
	s.reply(220, s.server.Greeting)
}

// begin is the state of who has not logged in.
func (s *session) begin() {
	s.peer = Peer{Remote: s.RemoteAddr(), Local: s.LocalAddr(), TLS: s.tlsState()}
	s.user, s.account, s.cwd = "", nil, "/"
	s.image, s.onlyEPSV, s.facts = false, false, allFacts
	s.rest, s.renameFrom = 0, ""
}

// LineReceived is the next command. During a transfer it waits, but for those that are
// about the transfer.
func (s *session) LineReceived(l []byte) {
	s.awaitCommand()
	if s.data.transferring() && !s.urgent(l) {
		s.hold(string(l))
		return
	}
	s.command(l)
	s.mayEnd()
}

func (s *session) hold(l string) {
	s.held = append(s.held, l)
	if len(s.held) >= maxHeld {
		s.PauseReading()
	}
}

// release runs the commands that have waited, up to the next that makes wait. If the
// server goes down, none: they may be transfers, too.
func (s *session) release() {
	for len(s.held) > 0 && !s.ending && !s.data.transferring() && !s.busy && !s.left {
		l := s.held[0]
		s.held = s.held[1:]
		s.command([]byte(l))
	}
	if len(s.held) == 0 {
		s.held = nil
	}
	if len(s.held) < maxHeld && !s.busy {
		s.ResumeReading()
	}
	s.mayEnd()
}

// DropInput forgets the commands that wait.
func (s *session) DropInput() (n int) {
	for _, l := range s.held {
		n += len(l) + len("\r\n")
	}
	s.held = nil
	return n
}

// LineTooLong refuses a line that is longer than any command may be.
func (s *session) LineTooLong(int) (keep bool) {
	s.LineReceived(tooLong)
	return true
}

// tooLong stands for a line that was.
var tooLong = []byte{0}

// awaitCommand begins the time that the client has for its next command.
func (s *session) awaitCommand() {
	if !s.left {
		s.timer.Reset(s.server.IdleTimeout)
	}
}

// outstayed ends the connection of a client that has not logged in, whatever else it says.
// A login that is under way goes on.
func (s *session) outstayed() {
	if s.busy {
		s.entry.Reset(loginDelay)
		return
	}
	s.bye(421, "Nobody has logged in, closing connection", ErrTimeout)
}

// idle ends the connection of a client that is silent, unless something is transferred.
func (s *session) idle() {
	if s.data.transferring() {
		s.awaitCommand()
		return
	}
	s.bye(421, "Timeout, closing connection", ErrTimeout)
}

// Shutdown says goodbye, after the transfer that is under way.
func (s *session) Shutdown() {
	s.ending = true
	s.data.maroon()
	s.mayEnd()
}

// mayEnd ends the connection if the server goes down and nothing is under way.
func (s *session) mayEnd() {
	if s.ending && !s.busy && !s.left && !s.data.transferring() {
		s.bye(421, "Service is shutting down", nil)
	}
}

// bye says a last word and ends the connection, whose reason is err if it is not nil.
func (s *session) bye(code int, text string, err error) {
	s.reply(code, text)
	s.left = true
	s.timer.Stop()
	s.entry.Stop()
	if n, ok := protocol.As[protocol.Notifier](s.Conn); ok && err != nil {
		n.SetReason(err)
	}
	s.data.leave()
	s.LoseConnection()
}

func (s *session) ConnectionLost(reason error) {
	s.lost, s.left = reason, true
	s.held = nil
	s.data.leave()
}

// ask has f run on a worker, and goes on with what it returns. Meanwhile nothing is
// read: commands are obeyed one after the other.
func ask[T any](s *session, f func() (T, error), then func(T, error)) {
	work(s, f, func(v T, err error) {
		s.goOn(err, func() { then(v, err) })
	})
}

// work is ask for what is to be known also if the client has gone meanwhile.
func work[T any](s *session, f func() (T, error), known func(T, error)) {
	s.busy = true
	s.timer.Stop()
	s.PauseReading()
	deferred.Go(s.Loop(), func(context.Context) (T, error) { return f() }).Done(func(v T, err error) {
		s.busy = false
		if !errors.Is(err, protocol.ErrStopped) {
			known(v, err)
		}
	})
}

// goOn answers, and goes on with the session, if there still is one.
func (s *session) goOn(err error, answer func()) {
	if s.lost != nil {
		return
	}
	s.awaitCommand()
	if err == nil && s.account != nil {
		s.forgive()
	}
	answer()
	s.release()
}

// do has a worker do a deed; the answer is ok unless there is an error.
func (s *session) do(d deed, f func() error, code int, ok string) {
	work(s, func() (struct{}, error) { return struct{}{}, f() }, func(_ struct{}, err error) {
		e := Error{code, ok}
		if err != nil {
			e = *s.errorOf(err)
		}
		s.logDeed(d, e)
		s.goOn(err, func() { s.reply(e.Code, e.Text) })
	})
}

func (s *session) logger() *slog.Logger { return protocol.LoggerOf(s.Loop()) }
