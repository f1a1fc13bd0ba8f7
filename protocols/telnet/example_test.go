package telnet_test

import (
	"fmt"

	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

// A login asks for a name, and for a password that nobody shall see.
type login struct {
	line.Base
	name string
}

func (l *login) ConnectionMade(c *line.Conn) { c.SendLine("Name:") }

func (l *login) LineReceived(text []byte) {
	if l.name == "" {
		l.name = string(text)
		telnet.Of(l.Conn).HideInput() // before it can be typed
		l.SendLine("Password:")
		return
	}
	telnet.Of(l.Conn).ShowInput()
	l.SendLine("")
	l.SendLine("Welcome, " + l.name + ".")
}

func (l *login) WindowResized(width, height int) { fmt.Println("window:", width, "by", height) }

func Example() {
	tr := protocoltest.Connect(telnet.Config{}.New(line.New(&login{})))
	tr.Receive("\xff\xfb\x1f") // the client offers to tell the size of its window
	tr.Receive("\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0eve\r\n")
	fmt.Printf("%q\n", tr.Take())
	tr.Receive("\xff\xfd\x01secret\r\n")
	fmt.Printf("%q\n", tr.Take())
	// Output:
	// window: 80 by 24
	// "Name:\r\n\xff\xfd\x1f\xff\xfb\x01Password:\r\n"
	// "\xff\xfc\x01\r\nWelcome, eve.\r\n"
}
