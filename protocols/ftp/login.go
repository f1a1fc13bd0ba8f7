package ftp

import (
	"cmp"
	"crypto/tls"
	"strconv"
	"strings"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// Whoever guesses passwords waits for each, and has few.
const (
	maxLogins  = 3
	loginDelay = time.Second
)

// userIs begins a login (RFC 959, section 4.1.1). Whether there is such a user is told
// with the password.
func (s *session) userIs(name string) {
	if s.server.RequireTLS && s.peer.TLS == nil {
		s.wrong(530, "TLS is required: AUTH TLS first")
		return
	}
	s.leaveFiles()
	s.user = name
	s.reply(331, "Password required")
}

func (s *session) pass(password string) {
	if s.user == "" || s.account != nil {
		s.wrong(503, "USER first")
		return
	}
	user, peer := s.user, s.peer // a Backend may keep what it is given
	ask(s, func() (*Account, error) {
		a, err := s.server.backend.Login(&peer, user, password)
		if err == nil {
			err = a.check()
		}
		return a, err
	}, func(a *Account, err error) {
		if err != nil {
			s.loginFailed(err)
			return
		}
		own := *a // theirs may be that of other sessions, too
		own.Allow = cmp.Or(own.Allow, ReadOnly)
		s.account = &own
		s.entry.Stop()
		s.cwd = a.home()
		s.logLogin()
		s.reply(230, "Logged in")
	})
}

// loginFailed says so, after a while.
func (s *session) loginFailed(err error) {
	s.logNoLogin(err)
	said := errLogin
	if e, ok := err.(*Error); ok {
		said = s.errorOf(e)
	}
	s.logins++ // also if the Backend cannot say: who guesses shall not wait for that
	s.user = ""
	s.timer.Stop()
	s.PauseReading()
	s.busy = true
	s.AfterFunc(loginDelay, func() {
		s.busy = false
		s.awaitCommand()
		if s.logins >= maxLogins {
			s.bye(421, "Too many failed logins", ErrTooManyErrors)
			return
		}
		s.reply(said.Code, said.Text)
		s.release()
	})
}

// leaveFiles forgets who has logged in.
func (s *session) leaveFiles() {
	s.data.leave()
	if s.account != nil {
		s.entry.Reset(s.server.LoginTimeout)
	}
	p := s.peer
	s.begin()
	s.peer.Host, s.peer.Client = p.Host, p.Client
}

// rein begins anew; what is encrypted stays so.
func (s *session) rein(string) {
	s.leaveFiles()
	s.reply(220, s.server.Greeting)
}

func (s *session) quit(string) { s.bye(221, "Goodbye", nil) }

func (s *session) host(name string) {
	if s.user != "" {
		s.wrong(503, "Too late: HOST comes before USER")
		return
	}
	s.peer.Host = name
	s.reply(220, "Ok") // all hosts are one here; a Backend may think otherwise
}

func (s *session) clnt(name string) {
	s.peer.Client = name
	s.reply(200, "Ok")
}

// authTLS changes to TLS and forgets who has logged in (RFC 4217, section 4).
func (s *session) authTLS(mechanism string) {
	mechanism = strings.ToUpper(mechanism)
	switch mechanism {
	case "TLS", "TLS-C", "SSL": // the last is what old clients say; it is TLS all the same
	default:
		s.wrong(504, "Only TLS")
		return
	}
	switch {
	case s.server.TLS == nil:
		s.wrong(502, "TLS is not available")
		return
	case s.peer.TLS != nil:
		s.wrong(503, "TLS is active already")
		return
	}
	t, ok := protocol.As[protocol.TLSStarter](s.Conn)
	if !ok {
		s.reply(431, "TLS is not possible here")
		return
	}
	s.leaveFiles()
	s.reply(234, "TLS")
	if err := t.StartTLS(); err != nil {
		s.logger().Debug("ftp: no TLS", "peer", s.RemoteAddr(), "err", err)
		s.Abort()
		return
	}
	s.private = mechanism == "SSL" // where PROT is not known, data is encrypted
}

// Secured notes how it has become.
func (s *session) Secured(state tls.ConnectionState) { s.peer.TLS = &state }

// tlsState returns that of the connection, nil in clear.
func (s *session) tlsState() *tls.ConnectionState {
	if t, ok := protocol.As[protocol.TLSStater](s.Conn); ok {
		if state, ok := t.TLSState(); ok {
			return &state
		}
	}
	return nil
}

// pbsz is a formality (RFC 4217, section 8).
func (s *session) pbsz(size string) {
	if s.peer.TLS == nil {
		s.wrong(503, "AUTH TLS first")
		return
	}
	if _, err := strconv.ParseUint(size, 10, 32); err != nil {
		s.wrong(501, "Syntax: PBSZ size")
		return
	}
	s.sized = true
	s.reply(200, "PBSZ=0")
}

// prot says how data connections are from now on (RFC 4217, section 9).
func (s *session) prot(level string) {
	switch level = strings.ToUpper(level); {
	case s.peer.TLS == nil || !s.sized:
		s.wrong(503, "AUTH TLS and PBSZ first")
	case level == "P":
		s.private = true
		s.reply(200, "Data connections are encrypted")
	case level == "C" && s.server.RequireTLS:
		s.wrong(534, "TLS is required")
	case level == "C":
		s.private = false
		s.reply(200, "Data connections are in clear")
	case level == "S" || level == "E":
		s.wrong(536, "Only C and P")
	default:
		s.wrong(504, "Only C and P")
	}
}
