package ftp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path"
)

// A Backend knows the users.
type Backend interface {
	// Login returns the account of who says to be user. It is called on a goroutine
	// of the loop's pool, which all sessions of a reactor share, for their files too
	// (its Config.Workers, 4 if zero): where it asks a database or LDAP, bound that wait
	// and make the pool larger. It may keep p.
	//
	// Any error is answered with 530, but for an *Error, which is the reply: say the same
	// of an unknown user as of a wrong password, and take the same time for both. The
	// answer comes a second later, against who guesses (a test that runs by a clock of
	// its own has to advance it), and the third is the last. anonymous and ftp are users
	// as all others are.
	//
	// An account that cannot be used is logged as an error and answered with 530: none
	// at all (nil without an error), one without Files, one whose Home is no folder.
	Login(p *Peer, user, password string) (*Account, error)
}

// BackendFunc is a function as a Backend.
type BackendFunc func(p *Peer, user, password string) (*Account, error)

// Login calls f.
func (f BackendFunc) Login(p *Peer, user, password string) (*Account, error) {
	return f(p, user, password)
}

// A Peer is whom a session talks to.
type Peer struct {
	Remote net.Addr             // the client; what the PROXY protocol says, if that is below
	Local  net.Addr             // the address it has connected to
	Host   string               // the server that it has asked for (RFC 7151)
	Client string               // what it calls its program (CLNT)
	TLS    *tls.ConnectionState // nil in clear
}

// An Account is what a user may do, and with which files.
type Account struct {
	Files Files
	Home  string     // the folder where sessions begin; "/" if empty
	Allow Permission // ReadOnly if zero
}

// home is where sessions begin.
func (a *Account) home() string { return path.Join("/", a.Home) }

// check finds out whether a session can begin. Files may keep to themselves what is
// there.
func (a *Account) check() error {
	switch {
	case a == nil:
		return &unusable{errors.New("ftp: the Backend has returned neither an Account nor an error")}
	case a.Files == nil:
		return &unusable{errors.New("ftp: the Account has no Files")}
	}
	i, err := a.Files.Stat(a.home())
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errors.ErrUnsupported):
		return nil
	case err == nil && !i.IsDir():
		err = ErrNotFolder
	}
	if err != nil {
		return &unusable{fmt.Errorf("ftp: no session can begin in %q: %w", a.home(), err)}
	}
	return nil
}

// An unusable account is a mistake of who runs the server.
type unusable struct{ error }

// A Permission is a set of what a user may do.
type Permission uint16

const (
	List   Permission = 1 << iota // LIST, NLST, MLSD, MLST, STAT, SIZE, MDTM, CWD
	Read                          // RETR
	Create                        // STOR, STOU of new files
	Modify                        // STOR and RNTO over others, APPE, REST with STOR, MFMT, SITE CHMOD
	Delete                        // DELE, RMD
	Rename                        // RNFR, RNTO
	Mkdir                         // MKD

	ReadOnly  = List | Read
	ReadWrite = ReadOnly | Create | Modify | Delete | Rename | Mkdir
)

// An Error is a reply of 400 and above.
type Error struct {
	Code int
	Text string
}

func (e *Error) Error() string { return e.Text }
