// Proxy connects whoever comes through to another address.
//
//	go run ./examples/echo
//	go run ./examples/proxy -connect 127.0.0.1:8007
//	nc 127.0.0.1 8018
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/portforward"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	p := portforward.Factory{Failed: func(client net.Addr, err error) { log.Printf("%v: %v", client, err) }}
	var limit factory.Limit
	var proxies networks
	listen := flag.String("listen", "127.0.0.1:8018", "`address` to listen on")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	flag.StringVar(&p.To, "connect", "", "`address` to connect to")
	flag.Var((*version)(&p.Announce), "proxy-protocol", "say at -connect who the client is, by the PROXY protocol, `v1 or v2`")
	flag.Var(&proxies, "trust", "serve only proxies, of this `network`, that say who the client is; for several say it again")
	flag.IntVar(&limit.Total, "limit", 1000, "most clients; 0: any number")
	flag.IntVar(&limit.PerPeer, "host", 0, "most clients from one host; 0: any number")
	flag.DurationVar(&p.Idle, "idle", 0, "drop a client when nothing has been said for so long; 0: never")
	if flag.Parse(); flag.NArg() > 0 || p.To == "" {
		log.Fatalf("-connect says where to; what is %q?", flag.Arg(0))
	}
	if err := serve(*listen, *reactors, func(n factory.Network) factory.Factory {
		own := p // connects on the loop that it serves
		own.Network = n
		return proxies.around(limit.Around(&own))
	}); err != nil {
		log.Fatal(err)
	}
}

// serve ends after SIGINT or SIGTERM, when the clients have been served or ten
// seconds have passed. A second signal ends the program at once.
func serve(addr string, reactors int, f func(factory.Network) factory.Factory) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	pool, err := reactor.NewPool(reactors, reactor.Config{})
	if err != nil {
		return err
	}
	port, err := pool.Listen("tcp", addr, f)
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	return pool.Run(ctx)
}
