package main

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/secure"
)

// An encryption says whether people talk over TLS, and as whom.
type encryption struct {
	certFile, keyFile string
	selfSigned        bool
}

func (e *encryption) flags() {
	flag.StringVar(&e.certFile, "tls-cert", "", "talk over TLS with the certificate in this PEM `file`, read again at SIGHUP")
	flag.StringVar(&e.keyFile, "tls-key", "", "PEM `file` of the certificate's key")
	flag.BoolVar(&e.selfSigned, "tls-self-signed", false, "talk over TLS with a certificate made now, which nobody trusts")
}

// around returns the room over TLS, if that is wanted.
func (e *encryption) around(room factory.Factory) (factory.Factory, error) {
	config, err := e.config()
	if config == nil || err != nil {
		return room, err
	}
	return secure.Config{Server: config}.Wrap(room), nil
}

func (e *encryption) config() (*tls.Config, error) {
	switch files := e.certFile != "" || e.keyFile != ""; {
	case files && (e.selfSigned || e.certFile == "" || e.keyFile == ""):
		return nil, errors.New("either -tls-self-signed, or both of -tls-cert and -tls-key")
	case files:
		cert, err := secure.LoadCertificate(e.certFile, e.keyFile)
		if err != nil {
			return nil, err
		}
		reloadAtHangup(cert)
		return &tls.Config{GetCertificate: cert.GetCertificate}, nil
	case e.selfSigned:
		cert, err := secure.SelfSigned("localhost", "127.0.0.1", "::1")
		if err != nil {
			return nil, err
		}
		log.Printf("the certificate's SHA-256 is %X", sha256.Sum256(cert.Certificate[0]))
		return &tls.Config{Certificates: []tls.Certificate{cert}}, nil
	}
	return nil, nil
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
