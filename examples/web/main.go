// Web keeps a table of keys and values for two kinds of clients, all of them on
// reactors. Programs read and change it by HTTP. Who connects by telnet or nc does so
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
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, *reactors, *web, *lines); err != nil {
		log.Fatal(err)
	}
}

// run serves both behind one limit. Programs are on all reactors; people are on the
// first, where the table is. Who is silent for too long is only dropped from HTTP: the
// others may well just watch.
func run(ctx context.Context, reactors int, web, lines string) error {
	pool, err := reactor.NewPool(reactors, reactor.Config{})
	if err != nil {
		return err
	}
	home := pool.Reactors()[0]
	t := newTable(home)
	limit := factory.Limit{Total: 1000, PerPeer: 100}
	port, err := home.Listen("tcp", lines, limit.Around(t))
	if err != nil {
		return err
	}
	l := new(netconn.Listener)
	http := limit.Around(factory.Idle{}.Around(l))
	socket := factory.Socket{SlowPeerTimeout: -1, MaxBacklog: -1} // net/http has deadlines for that, and waits
	l.Port, err = pool.Tuned(socket).Listen("tcp", web, func(factory.Network) factory.Factory { return http })
	if err != nil {
		return err
	}
	t.serve(pool, l)
	fmt.Println("lines on", port.Addr())
	fmt.Println("http on", l.Addr())
	return pool.Run(ctx)
}
