// Quote gives everybody a quote, and echoes what they say to it.
//
//	go run ./examples/quote                            # the server
//	go run ./examples/quote -connect 127.0.0.1:8017    # a client
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
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8017", "`address` to listen on")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	connect := flag.String("connect", "", "`address` to connect to, as a client")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	if err := run(*listen, *connect, *reactors); err != nil {
		log.Fatal(err)
	}
}

// run ends after SIGINT or SIGTERM, a client also when it has hung up. A second
// signal ends the program at once.
func run(listen, connect string, reactors int) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	pool, err := reactor.NewPool(reactors, reactor.Config{})
	if err != nil {
		return err
	}
	if connect != "" {
		c := &clients{leave: pool.Stop}
		pool.Reactors()[0].Connect("tcp", connect, c)
		return cmp.Or(pool.Run(ctx), c.failed)
	}
	port, err := pool.Listen("tcp", listen, func(factory.Network) factory.Factory { return &quotes{} })
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	return pool.Run(ctx)
}
