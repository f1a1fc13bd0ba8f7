// smtp-go-smtp: emersion/go-smtp's server on package net.
//
//	smtp-go-smtp PORT
package main

import (
	"io"
	"log"
	"os"
	"time"

	"github.com/emersion/go-smtp"
)

type sink struct{}

func (sink) NewSession(*smtp.Conn) (smtp.Session, error) { return &sink{}, nil }

func (sink) Mail(string, *smtp.MailOptions) error { return nil }
func (sink) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (sink) Reset()                               {}
func (sink) Logout() error                        { return nil }

func (sink) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func main() {
	s := smtp.NewServer(sink{})
	s.Addr, s.Domain = "127.0.0.1:"+os.Args[1], "mx.our.test"
	s.ReadTimeout, s.WriteTimeout = 5*time.Minute, 5*time.Minute
	s.MaxMessageBytes, s.MaxRecipients = 25<<20, 100
	log.Fatal(s.ListenAndServe())
}
