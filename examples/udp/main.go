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

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8019", "`address` to listen on")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	connect := flag.String("connect", "", "`address` to send to, as a client")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	if err := run(*listen, *connect, *reactors); err != nil {
		log.Fatal(err)
	}
}

// run ends after SIGINT or SIGTERM, a client also when it has its answer. A second
// signal ends the program at once.
func run(listen, connect string, reactors int) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	pool, err := reactor.NewPool(reactors, reactor.Config{})
	if err != nil {
		return err
	}
	if connect != "" {
		c := &client{leave: pool.Stop}
		if _, err := pool.Reactors()[0].ConnectDatagram("udp", connect, c); err != nil {
			return err
		}
		return cmp.Or(pool.Run(ctx), c.failed)
	}
	port, err := pool.ListenDatagram("udp", listen, func(factory.Network) protocol.DatagramProtocol { return &server{} })
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	return pool.Run(ctx)
}
