//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

// UDP has a server that answers every datagram with a question, and a client that
// begins.
//
//	go run ./examples/udp                            # the server
//	go run ./examples/udp -connect 127.0.0.1:8019    # a client
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/reactor"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8019", "`address` to listen on")
	connect := flag.String("connect", "", "`address` to send to, as a client")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	if err := run(*listen, *connect); err != nil {
		log.Fatal(err)
	}
}

// run ends after SIGINT or SIGTERM, a client also when it has its answer. A second
// signal ends the program at once.
func run(listen, connect string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		return err
	}
	if connect != "" {
		c := &client{leave: r.Stop}
		if _, err := r.ConnectDatagram("udp", connect, c); err != nil {
			return err
		}
		return cmp.Or(r.Run(ctx), c.failed)
	}
	port, err := r.ListenDatagram("udp", listen, &server{})
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	return r.Run(ctx)
}
