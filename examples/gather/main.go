// Gather resolves names, all at once and within one time limit, and prints what
// it got in the order of the names.
//
//	go run ./examples/gather -limit 2s localhost go.dev example.invalid
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os/signal"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/reactor"
)

func main() {
	limit := flag.Duration("limit", 5*time.Second, "how long all of it may take")
	flag.Parse()
	if err := run(*limit, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

// run ends when all is printed, or at SIGINT or SIGTERM.
func run(limit time.Duration, names []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		return err
	}
	err = r.Call(func() {
		gather(r, net.DefaultResolver.LookupHost, limit, names).Done(func(lines []string, err error) {
			for _, line := range lines {
				fmt.Println(line)
			}
			r.Stop()
		})
	})
	if err != nil {
		return err
	}
	return r.Run(ctx)
}
