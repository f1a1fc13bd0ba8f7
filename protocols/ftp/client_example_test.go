//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ftp_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/reactor"
)

// A program stores a file and fetches it again from its loop, here at a server of its
// own in clear.
func ExampleClient() {
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	users := ftp.Users{"anonymous": {AnyPassword: true, Account: ftp.Account{Files: &ftp.Memory{}, Allow: ftp.ReadWrite}}}
	port, err := r.Listen("tcp", "127.0.0.1:0", ftp.Config{Network: r}.New(users))
	if err != nil {
		log.Fatal(err)
	}
	client := ftp.ClientConfig{Network: r, Addr: port.Addr().String(), Security: ftp.TLSNever}.New()
	var text strings.Builder
	_ = r.Call(func() {
		stored := client.Put("/hi.txt", strings.NewReader("How are you?"), 0)
		fetched := deferred.Chain(stored, func(ftp.Copied) *deferred.Deferred[ftp.Copied] {
			return client.Get("/hi.txt", &text, 4)
		})
		left := deferred.Chain(fetched, func(got ftp.Copied) *deferred.Deferred[struct{}] {
			fmt.Printf("%q, %d of %d bytes\n", text.String(), got.Bytes, got.Size)
			return client.Quit()
		})
		left.Done(func(_ struct{}, err error) {
			fmt.Println(err)
			r.Stop()
		})
	})
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// "are you?", 8 of 12 bytes
	// <nil>
}
