//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

// A program sends a message from its loop, here to a server of its own in clear.
func ExampleSend() {
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server := smtp.Config{Domain: "mx.our.test"}.New(&smtp.Local{Mailboxes: []string{"bob"}, Delivery: &smtp.Inbox{}})
	port, err := r.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		log.Fatal(err)
	}
	config := smtp.ClientConfig{Network: r, Addr: port.Addr().String(), Security: smtp.TLSNever}
	m := smtp.Mail{
		From: "ann@our.test",
		To:   []string{"bob@our.test", "eve@our.test"},
		Body: strings.NewReader("Subject: hi\n\nHow are you?\n"),
	}
	_ = r.Call(func() {
		smtp.Send(config, m).Done(func(result smtp.Result, err error) {
			for _, to := range result.To {
				fmt.Println(to.Address, to.Err)
			}
			fmt.Println(err)
			r.Stop()
		})
	})
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// bob@our.test <nil>
	// eve@our.test SMTP error 550: No such mailbox here
	// <nil>
}
