//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"

	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

// A program leaves a message to a queue, which hands it to a smarthost, here a server of
// our own in clear, and returns what that does not want.
func ExampleQueue() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	var inbox, returned smtp.Inbox
	server := smtp.Config{Domain: "mx.our.test"}.New(&smtp.Local{Mailboxes: []string{"bob"}, Delivery: &inbox})
	port, err := r.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		log.Fatal(err)
	}
	queue := &smtp.Queue{
		Dir:       dir,
		Smarthost: smtp.ClientConfig{Addr: port.Addr().String(), Security: smtp.TLSNever},
		Bounces:   &returned,
		Logger:    slog.New(slog.DiscardHandler),
	}
	if err := queue.Start(r); err != nil {
		log.Fatal(err)
	}
	err = queue.Deliver(&smtp.Envelope{
		From: "ann@our.test",
		To:   []smtp.Recipient{{Address: "bob@our.test"}, {Address: "eve@our.test"}},
	}, strings.NewReader("Subject: hi\n\nHow are you?\n"))
	fmt.Println(err) // from here on it is not lost

	go func() {
		m, _ := inbox.Next(context.Background())
		fmt.Printf("%q\n", m.Text)
		m, _ = returned.Next(context.Background())
		fmt.Println(m.To[0].Address, strings.Contains(string(m.Text), "No such mailbox here"))
		r.Stop()
	}()
	err = r.Run(context.Background())
	fmt.Println(err, queue.Close())
	// Output:
	// <nil>
	// "Subject: hi\r\n\r\nHow are you?\r\n"
	// ann@our.test true
	// <nil> <nil>
}
