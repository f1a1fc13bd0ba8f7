package ftp

import (
	"crypto/sha256"
	"crypto/subtle"
)

// Users is a Backend that knows its users by heart:
//
//	ftp.Users{
//		"anonymous": {AnyPassword: true, Account: ftp.Account{Files: public}},
//		"ann":       {Password: secret, Account: ftp.Account{Files: hers, Allow: ftp.ReadWrite}},
//	}
//
// Nobody may change it once it is in use. The user ftp is anonymous, if there is none
// of that name.
type Users map[string]User

// A User is one of them.
type User struct {
	Password    string
	AnyPassword bool // whatever is said as password is right, as for anonymous
	Account     Account
}

// Login returns the account of a user. It takes the same time for an unknown user as
// for a wrong password. Clients are told of either a second later; see [Backend].
func (u Users) Login(_ *Peer, user, password string) (*Account, error) {
	known, ok := u[user]
	if !ok && user == "ftp" {
		known, ok = u["anonymous"]
	}
	said, right := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(known.Password))
	same := subtle.ConstantTimeCompare(said[:], right[:]) == 1
	if !ok || !same && !known.AnyPassword || known.Password == "" && !known.AnyPassword {
		return nil, errLogin
	}
	a := known.Account
	return &a, nil
}

var errLogin = &Error{530, "Login incorrect"}
