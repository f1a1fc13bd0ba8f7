package protocol_test

import (
	"fmt"

	"github.com/torsion-go/torsion/protocol"
)

// A greeter counts what its users say.
type greeter struct {
	protocol.Base
	heard int
}

func (g *greeter) DataReceived(data []byte) { g.heard += len(data) }

// A counting wrapper is found through by As.
type wrapper struct{ protocol.Protocol }

func (w wrapper) Inner() any { return w.Protocol }

func (g *greeter) EOFReceived() bool { return true }

func Example() {
	var p protocol.Protocol = wrapper{&greeter{}}
	p.DataReceived([]byte("hello"))
	e, ok := protocol.As[protocol.EOFReceiver](p)
	fmt.Println(ok, e.EOFReceived())
	// Output: true true
}
