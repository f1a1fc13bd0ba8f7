//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

// A goroutine sends a message, and hears also of the recipient who was refused.
func ExampleSendMail() {
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	server := smtp.Config{Domain: "mx.our.test"}.New(&smtp.Local{Mailboxes: []string{"bob"}, Delivery: &smtp.Inbox{}})
	port, err := r.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		log.Fatal(err)
	}
	result, err := smtp.SendMail(ctx, smtp.ClientConfig{Network: r, Addr: port.Addr().String(), Security: smtp.TLSNever}, smtp.Mail{
		From: "ann@our.test",
		To:   []string{"bob@our.test", "eve@our.test"},
		Body: strings.NewReader("Subject: hi\n\nHow are you?\n"),
	})
	fmt.Println(err) // bob has got it
	fmt.Println(errors.Join(err, result.Err()))
	stop()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
	// Output:
	// <nil>
	// "eve@our.test": SMTP error 550: No such mailbox here
}
