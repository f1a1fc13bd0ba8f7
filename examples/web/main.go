// Web keeps a table of keys and values for two kinds of clients, all of them on one
// reactor. Programs read and change it by HTTP. Who connects by telnet or nc does so
// too, and sees each change as it happens.
//
//	go run ./examples/web
//	nc 127.0.0.1 8008
//	curl -X PUT -d soup http://127.0.0.1:8080/keys/lunch
//	curl http://127.0.0.1:8080/keys
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	web := flag.String("listen-http", "127.0.0.1:8080", "`address` for HTTP")
	lines := flag.String("listen-line", "127.0.0.1:8008", "`address` for telnet and nc")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, *web, *lines); err != nil {
		log.Fatal(err)
	}
}

// run serves both on one reactor, behind one limit. Who is silent for too long is
// only dropped from HTTP: the others may well just watch.
func run(ctx context.Context, web, lines string) error {
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		return err
	}
	t := newTable(r)
	limit := factory.Limit{Total: 1000, PerPeer: 100}
	port, err := r.Listen("tcp", lines, limit.Around(t))
	if err != nil {
		return err
	}
	l, err := netconn.Listen(r, "tcp", web, limit.Around, factory.Idle{}.Around)
	if err != nil {
		return err
	}
	t.serve(r, l)
	fmt.Println("lines on", port.Addr())
	fmt.Println("http on", l.Addr())
	return r.Run(ctx)
}
