package smtp

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-sasl"

	"github.com/torsion-go/torsion/protocol"
)

// Whoever guesses passwords waits for each, and has few.
const (
	maxLogins  = 3
	loginDelay = time.Second
)

// An exchange is a way to authenticate while it is gone.
type exchange struct {
	sasl.Server
	mechanism string
}

// mechanisms are the ways to authenticate that the client may use now.
func (s *session) mechanisms() []string {
	a, ok := s.session.(AuthSession)
	if !ok || s.peer.TLS == nil && !s.server.AllowInsecureAuth {
		return nil
	}
	return a.AuthMechanisms()
}

// startAuth begins an exchange (RFC 4954, section 4).
func (s *session) startAuth(arg string) {
	a, ok := s.session.(AuthSession)
	mechanism, initial, given := strings.Cut(arg, " ")
	mechanism = strings.ToUpper(mechanism)
	switch {
	case !ok:
		s.wrong(reply{502, "5.5.1", "Authentication is not available"})
		return
	case s.user:
		s.wrong(reply{503, "5.5.1", "Authenticated already"})
		return
	case mechanism == "":
		s.wrong(reply{501, "5.5.4", "Syntax: AUTH mechanism [initial-response]"})
		return
	case s.peer.TLS == nil && !s.server.AllowInsecureAuth:
		s.logNoLogin(mechanism, s.wrong(reply{538, "5.7.11", "Encryption required"}))
		return
	case !slices.Contains(a.AuthMechanisms(), mechanism):
		s.logNoLogin(mechanism, s.wrong(reply{504, "5.5.4", "Mechanism not available"}))
		return
	}
	var response []byte // nil if there is none, which is not the same as an empty one
	if given {
		var err error
		if response, err = decodeInitial(initial); err != nil {
			s.wrong(reply{501, "5.5.2", "Bad base64"})
			return
		}
	}
	var m sasl.Server
	s.ask(false, func() (err error) {
		m, err = a.Auth(mechanism)
		return err
	}, func(err error) {
		if s.auth = (&exchange{m, mechanism}); err != nil {
			s.loginFailed(err)
			return
		}
		s.proceed(response)
	})
}

// decodeInitial reads an initial response, of which an empty one is written as "=".
func decodeInitial(s string) ([]byte, error) {
	if s == "=" {
		return []byte{}, nil
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}

// authenticate is the client's next answer.
func (s *session) authenticate(l []byte) {
	response := make([]byte, base64.StdEncoding.DecodedLen(len(l)))
	n, err := base64.StdEncoding.Strict().Decode(response, l)
	switch {
	case string(l) == "*":
		s.auth = nil
		s.wrong(reply{501, "5.7.0", "Authentication cancelled"})
	case err != nil || !isText(l): // encoding/base64 passes over CR and LF
		s.auth = nil
		s.wrong(reply{501, "5.5.2", "Bad base64"})
	default:
		s.proceed(response[:n])
	}
}

// proceed hears what the mechanism has to say.
func (s *session) proceed(response []byte) {
	var challenge []byte
	var done bool
	s.ask(false, func() (err error) {
		challenge, done, err = s.auth.Next(response)
		return err
	}, func(err error) {
		switch {
		case err != nil:
			s.loginFailed(err)
		case done:
			s.auth = nil
			s.user = true
			s.reply(235, "2.7.0", "Authentication succeeded")
		default:
			s.reply(334, "", base64.StdEncoding.EncodeToString(challenge))
		}
	})
}

// loginFailed says so, after a while.
func (s *session) loginFailed(err error) {
	var user string
	if e, ok := errors.AsType[*loginError](err); ok {
		user = e.user
	}
	r, reason := s.noLogin(err)
	s.logLogin(user, err, r)
	s.timer.Stop()
	s.PauseReading()
	s.AfterFunc(loginDelay, func() {
		s.auth = nil
		s.timer.Reset(s.server.CommandTimeout)
		s.ResumeReading()
		s.say(r)
		if r.code == 421 {
			s.close(reason)
		}
		s.mayEnd()
	})
}

// noLogin is what is said for err, and why the connection ends if that is 421. What is temporary
// says nothing of the password.
func (s *session) noLogin(err error) (r reply, reason error) {
	e, ours := replied(err)
	_, panicked := errors.AsType[*protocol.PanicError](err)
	if !ours || !e.Temporary() {
		s.logins++
	}
	switch {
	case s.logins >= maxLogins:
		return reply{421, "4.7.0", s.server.Domain + " Too many failed logins"}, ErrTooManyErrors
	case ours || panicked:
		return s.replyOf("Auth", err, reply{}), nil
	}
	return replyTo(authFailed), nil
}

// authFailed does not say what was wrong (RFC 4954, section 6).
var authFailed = &SMTPError{Code: 535, EnhancedCode: EnhancedCode{5, 7, 8}, Message: "Authentication failed"}
