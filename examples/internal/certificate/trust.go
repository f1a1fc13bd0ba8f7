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
