package smtp

import (
	"errors"
	"strings"

	"github.com/emersion/go-sasl"
)

// An authenticator says why this is not the user's password. An *SMTPError is the
// reply; all else is answered alike (RFC 4954, section 6).
type authenticator func(user, password string) error

// Neither may be empty or hold a NUL (RFC 4616, section 2): with no password directories
// let anybody in, as nobody.
func (a authenticator) check(user, password string) error {
	if user == "" || password == "" || strings.ContainsRune(user+password, 0) {
		return &loginError{user, errNoPassword}
	}
	if err := a(user, password); err != nil {
		return &loginError{user, err}
	}
	return nil
}

var (
	errNoPassword = errors.New("the user or the password is empty, or holds a NUL")
	errNotHimself = errors.New("the user would act for another")
)

// A loginError says who could not log in.
type loginError struct {
	user string
	error
}

func (e *loginError) Unwrap() error { return e.error }

// newPlainServer is go-sasl's PLAIN (RFC 4616) for users who act for themselves only.
func newPlainServer(a authenticator) sasl.Server {
	return sasl.NewPlainServer(func(identity, user, password string) error {
		if identity != "" && identity != user {
			return &loginError{user, errNotHimself}
		}
		return a.check(user, password)
	})
}

// A loginServer is the server of LOGIN, which no RFC has: it asks for the user, then
// for the password. Clients know these two challenges by heart. The user may come
// with the command.
//
//	"Username:" --user--> "Password:" --password--> done
type loginServer struct {
	authenticate authenticator
	user         string
	step         int // how many challenges the client has seen
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if l.step == 0 && response == nil {
		l.step = 1
		return []byte("Username:"), false, nil
	}
	switch l.step {
	case 0, 1:
		l.user, l.step = string(response), 2
		return []byte("Password:"), false, nil
	case 2:
		l.step = 3
		err := l.authenticate.check(l.user, string(response))
		return nil, err == nil, err
	}
	return nil, false, sasl.ErrUnexpectedClientResponse
}
