package reactortest_test

import (
	"fmt"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

// A clock tells its visitors the time.
type clock struct{ protocol.Base }

func (c *clock) ConnectionMade(protocol.Transport) {
	c.AfterFunc(time.Hour, func() { c.Write([]byte("ding")); c.LoseConnection() })
}

func (c *clock) DataReceived([]byte) {}

// A visitor prints what it hears.
type visitor struct{ protocol.Base }

func (v *visitor) DataReceived(data []byte)    { fmt.Printf("heard %q\n", data) }
func (v *visitor) ConnectionLost(reason error) { fmt.Println(reason) }

// An hour passes in no time.
func ExampleMemory() {
	m := reactortest.NewMemory(reactortest.Config{})
	port, err := m.Listen("tcp", "127.0.0.1:0", factory.Each(func() protocol.Protocol { return &clock{} }))
	if err != nil {
		panic(err) // it is an address that nobody else has
	}
	m.Connect("tcp", port.Addr().String(), factory.Each(func() protocol.Protocol { return &visitor{} }))
	m.Advance(time.Hour)
	// Output:
	// heard "ding"
	// connection done
}
