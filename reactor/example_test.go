package reactor_test

import (
	"context"
	"fmt"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// A shouter answers everything with an exclamation mark.
type shouter struct{ protocol.Base }

func (s *shouter) DataReceived(data []byte) { fmt.Fprintf(s, "%s!", data) }

// A caller says hello, prints the answer and hangs up.
type caller struct{ protocol.Base }

func (c *caller) ConnectionMade(t protocol.Transport) { fmt.Fprint(t, "hello") }

func (c *caller) DataReceived(data []byte) {
	fmt.Printf("%s\n", data)
	c.LoseConnection()
}

func Example() {
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		panic(err)
	}
	port, err := r.Listen("tcp", "127.0.0.1:0", factory.Each(func() protocol.Protocol { return &shouter{} }))
	if err != nil {
		panic(err)
	}
	r.Connect("tcp", port.Addr().String(), factory.Each(func() protocol.Protocol { return &ender{r: r} }))
	if err := r.Run(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// hello!
	// connection done
}

// An ender is a caller that stops the reactor when it is done.
type ender struct {
	caller
	r *reactor.Reactor
}

func (e *ender) ConnectionLost(reason error) {
	fmt.Println(reason)
	e.r.Stop()
}
