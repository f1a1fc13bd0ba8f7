// Ticker prints five lines, one second apart.
//
//	go run ./examples/ticker
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	if flag.Parse(); flag.NArg() > 0 {
		log.Fatalf("what is %q?", flag.Arg(0))
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// run ends after the last line, or at SIGINT or SIGTERM.
func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		return err
	}
	if err := r.Call(func() { tick(r) }); err != nil {
		return err
	}
	return r.Run(ctx)
}

// tick prints on the loop. A line that a busy machine has missed is not made up for.
func tick(r *reactor.Reactor) {
	lines, passed := 0, 0
	deferred.Every(r, time.Second, func(ticks int) *deferred.Deferred[struct{}] {
		lines, passed = lines+1, passed+ticks
		fmt.Printf("line %d after %d s\n", lines, passed)
		if lines == 5 {
			r.Stop()
		}
		return nil
	})
}
