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

// A program fetches a file and stores one from its loop, here at a server of its own in
// clear.
func ExampleClient() {
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	files := &ftp.Memory{}
	if err := files.WriteFile("/hi.txt", []byte("How are you?")); err != nil {
		log.Fatal(err)
	}
	users := ftp.Users{"anonymous": {AnyPassword: true, Account: ftp.Account{Files: files, Allow: ftp.ReadWrite}}}
	port, err := r.Listen("tcp", "127.0.0.1:0", ftp.Config{Network: r}.New(users))
	if err != nil {
		log.Fatal(err)
	}
	client := ftp.ClientConfig{Network: r, Addr: port.Addr().String(), Security: ftp.TLSNever}.New()
	var text strings.Builder
	_ = r.Call(func() {
		fetched := client.Get("/hi.txt", &text, 4)
		stored := deferred.Chain(fetched, func(got ftp.Copied) *deferred.Deferred[ftp.Copied] {
			fmt.Printf("%q, %d of %d bytes\n", text.String(), got.Bytes, got.Size)
			return client.Put("/reply.txt", strings.NewReader("Fine."), 0)
		})
		left := deferred.Chain(stored, func(ftp.Copied) *deferred.Deferred[struct{}] { return client.Quit() })
		left.Done(func(_ struct{}, err error) {
			fmt.Println(err)
			r.Stop()
		})
	})
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	reply, err := files.ReadFile("/reply.txt")
	fmt.Printf("%s %v\n", reply, err)
	// Output:
	// "are you?", 8 of 12 bytes
	// <nil>
	// Fine. <nil>
}
