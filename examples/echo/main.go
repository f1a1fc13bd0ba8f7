// Echo sends back what it receives.
//
//	go run ./examples/echo
//	nc 127.0.0.1 8007
package main

import (
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

// An echo is one connection. That is all: a peer that sends and does not read
// is not read any more either, until it does.
type echo struct{ protocol.Base }

func (e *echo) DataReceived(data []byte) { e.Write(data) }

func main() {
	listen := flag.String("listen", "127.0.0.1:8007", "`address` to listen on")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	if err := serve(*listen, *reactors); err != nil {
		log.Fatal(err)
	}
}

// serve ends after SIGINT or SIGTERM, when what is owed to the peers has been
// delivered. A second signal ends the program at once.
func serve(addr string, reactors int) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	pool, err := reactor.NewPool(reactors, reactor.Config{})
	if err != nil {
		return err
	}
	port, err := pool.Listen("tcp", addr, func(factory.Network) factory.Factory {
		return factory.Each(func() protocol.Protocol { return &echo{} })
	})
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	return pool.Run(ctx)
}
