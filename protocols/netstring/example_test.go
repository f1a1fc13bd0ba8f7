package netstring_test

import (
	"fmt"

	"github.com/torsion-go/torsion/protocols/netstring"
	"github.com/torsion-go/torsion/protocoltest"
)

// A drawer keeps one thing, and gives it back for nothing.
type drawer struct {
	netstring.Base
	kept string
}

func (d *drawer) StringReceived(s []byte) {
	if len(s) == 0 {
		d.SendString(d.kept)
		return
	}
	d.kept = string(s) // s is lent
}

func Example() {
	tr := protocoltest.Connect(netstring.New(&drawer{}))
	tr.Receive("0:,")
	tr.Receive("11:a pair\r\n of") // a netstring may hold anything, and arrive in pieces
	tr.Receive(",0:,4:gloves,")
	fmt.Printf("%q\n", tr.Take())
	fmt.Println(tr.Lost())
	// Output:
	// "0:,11:a pair\r\n of,"
	// netstring: malformed
}
