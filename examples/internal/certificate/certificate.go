// Package certificate has the flags with which the example servers are told what TLS
// needs.
package certificate

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/protocols/secure"
)

// Flags say whether there is a certificate, and which.
type Flags struct {
	certFile, keyFile string
	selfSigned        bool
	writeTo           string
}

// Register makes the flags those of the program.
func (f *Flags) Register() {
	flag.StringVar(&f.certFile, "tls-cert", "", "use TLS with the certificate in this PEM `file`, read again at SIGHUP")
	flag.StringVar(&f.keyFile, "tls-key", "", "PEM `file` of the key of -tls-cert")
	flag.BoolVar(&f.selfSigned, "tls-self-signed", false, "use TLS with a certificate made now for localhost, which nobody trusts")
	flag.StringVar(&f.writeTo, "tls-write", "", "write the certificate of -tls-self-signed, without its key, to this PEM `file`: what a client trusts with -tls-ca")
}

// Config returns what a server needs, nil if there is to be no TLS.
func (f *Flags) Config() (*tls.Config, error) {
	switch files := f.certFile != "" || f.keyFile != ""; {
	case f.writeTo != "" && !f.selfSigned:
		return nil, errors.New("-tls-write needs -tls-self-signed")
	case files && (f.selfSigned || f.certFile == "" || f.keyFile == ""):
		return nil, errors.New("either -tls-self-signed, or both of -tls-cert and -tls-key")
	case files:
		cert, err := secure.LoadCertificate(f.certFile, f.keyFile)
		if err != nil {
			return nil, err
		}
		reloadAtHangup(cert)
		return &tls.Config{GetCertificate: cert.GetCertificate}, nil
	case f.selfSigned:
		cert, err := secure.SelfSigned("localhost", "127.0.0.1", "::1")
		if err != nil {
			return nil, err
		}
		log.Printf("the certificate's SHA-256 is %X", sha256.Sum256(cert.Certificate[0]))
		return &tls.Config{Certificates: []tls.Certificate{cert}}, f.write(cert)
	}
	return nil, nil
}

// write has clients trust the certificate who have no other way to.
func (f *Flags) write(cert tls.Certificate) error {
	if f.writeTo == "" {
		return nil
	}
	return os.WriteFile(f.writeTo, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o644)
}

// reloadAtHangup has the files read again at every SIGHUP, for who comes later.
func reloadAtHangup(cert *secure.Certificate) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		for range hup {
			if err := cert.Reload(); err != nil {
				log.Print("the certificate stays as it was: ", err)
			} else {
				log.Print("the certificate was read again")
			}
		}
	}()
}
