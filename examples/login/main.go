// Login asks whoever comes by telnet for a name and for a password, which telnet
// does not show while it is typed.
//
//	go run ./examples/login -password sesame
//	telnet 127.0.0.1 8023
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
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8023", "`address` to listen on")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	password := flag.String("password", "sesame", "what opens")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	logins := factory.Each(func() protocol.Protocol {
		return line.Config{MaxLength: 256, AcceptLF: true}.New(&login{password: *password})
	})
	if err := serve(*listen, *reactors, factory.Idle{}.Around(telnet.Config{}.Wrap(logins))); err != nil {
		log.Fatal(err)
	}
}

// serve ends after SIGINT or SIGTERM. A second signal ends the program at once.
func serve(addr string, reactors int, f factory.Factory) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	pool, err := reactor.NewPool(reactors, reactor.Config{})
	if err != nil {
		return err
	}
	port, err := pool.Listen("tcp", addr, func(factory.Network) factory.Factory { return f })
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	return pool.Run(ctx)
}
