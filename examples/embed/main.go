// Embed is an ordinary Go program, with net/http and goroutines, that has
// reactors inside: a notice board. Who connects by telnet reads what is posted by
// HTTP.
//
//	go run ./examples/embed
//	telnet 127.0.0.1 8023
//	curl -d 'Lunch is ready.' http://127.0.0.1:8080/notices
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/reactor"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8023", "`address` for readers")
	web := flag.String("http", "127.0.0.1:8080", "`address` for those who post")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, *reactors, *listen, *web); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, reactors int, listen, web string) error {
	pool, err := reactor.NewPool(reactors, reactor.Config{})
	if err != nil {
		return err
	}
	var b board
	port, err := pool.Listen("tcp", listen, b.on)
	if err != nil {
		return err
	}
	webAddr, err := b.serve(pool, web)
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	fmt.Println("http on", webAddr)
	return pool.Run(ctx)
}
