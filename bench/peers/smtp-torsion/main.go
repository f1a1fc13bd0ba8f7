// smtp-torsion: our server with a Session that takes everything and keeps nothing, or
// with a Maildir.
//
//	smtp-torsion PORT [MAILDIR]
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

// A sink reads messages, as all that are compared here do.
type sink struct{}

func (sink) OnLoop() (commands, data bool) { return true, true }

func (sink) NewSession(*smtp.Peer) (smtp.Session, error) { return &sink{}, nil }

func (sink) Mail(string, *smtp.MailOptions) error { return nil }
func (sink) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (sink) Reset()                               {}
func (sink) Logout() error                        { return nil }

func (sink) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func main() {
	var backend smtp.Backend = sink{}
	if len(os.Args) > 2 {
		backend = &smtp.Local{Delivery: &smtp.Maildir{Dir: os.Args[2]}}
	}
	r, err := reactor.New(reactor.Config{})
	if err == nil {
		_, err = r.Listen("tcp", "127.0.0.1:"+os.Args[1], smtp.Config{Domain: "mx.our.test"}.New(backend))
	}
	if err == nil {
		err = r.Run(context.Background())
	}
	log.Fatal(err)
}
