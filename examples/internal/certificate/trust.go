package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
)

// Trusting returns what a client needs that trusts the certificates in a PEM file only.
func Trusting(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(pem) {
		err = errors.New("no certificates there")
	}
	return &tls.Config{RootCAs: pool}, err
}

// Hint says which flag of a client decides where a server is not trusted; it is empty of
// other errors.
func Hint(err error) string {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	switch {
	case unknown:
		return "-tls-ca tells which certificates to trust, such as that of a server which has signed its own"
	case name:
		return "-connect has to name the server as its certificate does"
	}
	return ""
}
