package line_test

import (
	"fmt"
	"strings"

	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocoltest"
)

// A clerk takes a letter: lines, then as many raw bytes as the client announced.
type clerk struct {
	line.Base
	missing int
}

func (c *clerk) ConnectionMade(*line.Conn) { c.SendLine("Yes?") }

func (c *clerk) LineReceived(l []byte) {
	if _, err := fmt.Sscanf(string(l), "LETTER %d", &c.missing); err != nil || c.missing <= 0 {
		c.SendLine("Pardon?")
		return
	}
	c.SetRawMode()
}

func (c *clerk) RawDataReceived(data []byte) {
	n := min(c.missing, len(data))
	c.missing -= n
	if c.missing == 0 {
		c.SendLine("Thank you.")
		c.SetLineMode(data[n:]) // what follows the letter
	}
}

func Example() {
	tr := protocoltest.Connect(line.New(&clerk{}))
	tr.Receive("HELLO\r\nLETTER 9\r\nline\r\nendBYE\r\n")
	fmt.Print(strings.ReplaceAll(tr.Take(), "\r", ""))
	// Output:
	// Yes?
	// Pardon?
	// Thank you.
	// Pardon?
}
