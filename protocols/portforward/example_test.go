package portforward_test

import (
	"fmt"
	"strings"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/portforward"
	"github.com/torsion-go/torsion/reactortest"
)

// A shouter answers in capitals.
type shouter struct{ protocol.Base }

func (s *shouter) DataReceived(data []byte) {
	fmt.Fprint(s, strings.ToUpper(string(data)))
}

// A caller says something and prints the answer.
type caller struct{ protocol.Base }

func (c *caller) ConnectionMade(t protocol.Transport) { fmt.Fprint(t, "is anybody there?") }

func (c *caller) DataReceived(data []byte) { fmt.Println(string(data)) }

func Example() {
	network := reactortest.NewMemory(reactortest.Config{}) // as well a reactor
	network.Listen("tcp", "192.0.2.1:7", factory.Each(func() protocol.Protocol { return &shouter{} }))
	network.Listen("tcp", "192.0.2.1:8018", &portforward.Factory{Network: network, To: "192.0.2.1:7"})
	network.Connect("tcp", "192.0.2.1:8018", factory.Each(func() protocol.Protocol { return &caller{} }))
	network.Settle()
	// Output: IS ANYBODY THERE?
}
