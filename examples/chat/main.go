// Chat is a room in which people talk by telnet or nc; see package chat.
//
//	go run ./examples/chat
//	telnet 127.0.0.1 12345
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/examples/internal/certificate"
	"github.com/torsion-go/torsion/examples/internal/program"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/chat"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	var room chat.Room
	var limit factory.Limit
	var socket factory.Socket
	var cert certificate.Flags
	listen := flag.String("listen", "127.0.0.1:12345", "`address` to listen on")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	flag.IntVar(&room.MaxMembers, "members", 1000, "most people in the room; -1: any number")
	flag.IntVar(&limit.PerPeer, "host", 100, "most connections from one host; 0: any number")
	flag.IntVar(&room.MaxLine, "line", 1024, "longest line, in bytes")
	flag.IntVar(&room.MaxName, "name", 20, "longest name, in characters")
	flag.IntVar(&room.History, "history", 0, "lines said last that a newcomer reads first")
	flag.IntVar(&room.Burst, "burst", 10, "lines that somebody may send at once")
	flag.DurationVar(&room.Interval, "interval", 500*time.Millisecond, "time between two lines after -burst; -1ns: none")
	flag.IntVar(&room.Tolerance, "tolerance", 60, "lines sent too fast before somebody is dropped; -1: any number")
	flag.DurationVar(&room.IdleTimeout, "idle", 0, "drop who is silent for so long; 0: nobody")
	flag.IntVar(&socket.MaxBacklog, "backlog", 1<<20, "drop who leaves so many bytes unread; -1: nobody")
	flag.DurationVar(&socket.SlowPeerTimeout, "slow", 2*time.Minute, "drop who reads nothing for so long; -1ns: nobody")
	cert.Register()
	flag.Parse()
	tls, err := cert.Config()
	if err := errors.Join(given(), err); err != nil {
		log.Fatal(err)
	}
	door := func(n factory.Network) factory.Factory {
		f := room.On(n)
		if tls != nil {
			f = secure.Config{Server: tls}.Wrap(f)
		}
		return limit.Around(f)
	}
	if err := serve(*listen, *reactors, socket, door); err != nil {
		log.Fatal(err)
	}
}

// given finds out early what makes no sense by itself.
func given() error {
	return errors.Join(program.NoArgs(), program.Counts("reactors", "host", "history", "idle"), program.Some("line", "name", "burst"),
		program.Limits("members", "tolerance", "backlog", "interval", "slow"))
}

// serve ends after SIGINT or SIGTERM, when all have been told. A second signal
// ends the program at once.
func serve(addr string, reactors int, socket factory.Socket, door func(factory.Network) factory.Factory) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	pool, err := reactor.NewPool(reactors, reactor.Config{})
	if err != nil {
		return err
	}
	program.TellEnd(pool, 0)
	port, err := pool.Tuned(socket).Listen("tcp", addr, door)
	if err != nil {
		return err
	}
	fmt.Println("listening on", port.Addr())
	return pool.Run(ctx)
}
