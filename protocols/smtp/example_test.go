//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/smtp"

	"github.com/torsion-go/torsion/factory"
	mail "github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

// A server whose mail a function takes.
func Example() {
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	backend := &mail.Local{
		Domains: []string{"our.test"},
		Delivery: mail.Func(func(e *mail.Envelope, message io.ReadSeeker) error {
			text, err := io.ReadAll(message)
			fmt.Printf("from %s to %s: %q\n", e.From, e.To, text)
			return err
		}),
	}
	config := mail.Config{Domain: "mx.our.test"}
	limit := factory.Limit{PerPeer: 10, Overflow: config.Busy()}
	port, err := r.Listen("tcp", "127.0.0.1:0", limit.Around(config.New(backend)))
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		err := smtp.SendMail(port.Addr().String(), nil, "a@x.test", []string{"b@our.test"}, []byte("Subject: hi\r\n\r\n"))
		fmt.Println(err)
	}()
	err = r.Run(ctx)
	fmt.Println(err)
	// Output:
	// from a@x.test to [b@our.test]: "Subject: hi\r\n\r\n"
	// <nil>
	// <nil>
}
