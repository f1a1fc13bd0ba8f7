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
	connect := flag.String("connect", "", "`address` to connect to, as the client")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	if err := run(*listen, *connect); err != nil {
		log.Fatal(err)
	}
}

// run ends after SIGINT or SIGTERM, a client also when the joke is told. A
// second signal ends the program at once.
func run(listen, connect string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		return err
	}
	ends := knock.Config{Log: os.Stdout}
	if connect != "" {
		v := &visit{Factory: factory.Each(ends.Client), leave: r.Stop}
		r.Connect("tcp", connect, v)
		return cmp.Or(r.Run(ctx), v.failed)
	}
	port, err := r.Listen("tcp", listen, factory.Each(ends.Server))
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	return r.Run(ctx)
}
