// Knock tells the knock-knock joke, or has it told; see package knock.
//
//	go run ./examples/knock                            # the server
//	go run ./examples/knock -connect 127.0.0.1:8000    # the client
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/knock"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8000", "`address` to listen on")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	connect := flag.String("connect", "", "`address` to connect to, as the client")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	if err := run(*listen, *connect, *reactors); err != nil {
		log.Fatal(err)
	}
}

// run ends after SIGINT or SIGTERM, a client also when the joke is told. A
// second signal ends the program at once.
func run(listen, connect string, reactors int) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	pool, err := reactor.NewPool(reactors, reactor.Config{})
	if err != nil {
		return err
	}
	ends := knock.Config{Log: os.Stdout}
	if connect != "" {
		v := &visit{Factory: factory.Each(ends.Client), leave: pool.Stop}
		pool.Reactors()[0].Connect("tcp", connect, v)
		return cmp.Or(pool.Run(ctx), v.failed)
	}
	port, err := pool.Listen("tcp", listen, func(factory.Network) factory.Factory {
		return factory.Each(ends.Server)
	})
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	return pool.Run(ctx)
}
