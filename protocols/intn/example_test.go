package intn_test

import (
	"fmt"
	"slices"

	"github.com/torsion-go/torsion/protocols/intn"
	"github.com/torsion-go/torsion/protocoltest"
)

// A mirror sends back what it sees, the other way round.
type mirror struct{ intn.Base }

func (m *mirror) StringReceived(s []byte) {
	slices.Reverse(s) // it is lent, but may be changed
	if err := m.SendBytes(s); err != nil {
		m.LoseConnection() // longer than 65,535 bytes; it cannot be, here
	}
}

func Example() {
	c := intn.Config{Prefix: intn.Int16}
	tr := protocoltest.Connect(c.New(&mirror{}))
	tr.Receive("\x00\x05stone\x00\x04dr") // cut anywhere
	fmt.Printf("%q\n", tr.Take())
	tr.Receive("aw")
	fmt.Printf("%q\n", tr.Take())
	// Output:
	// "\x00\x05enots"
	// "\x00\x04ward"
}
