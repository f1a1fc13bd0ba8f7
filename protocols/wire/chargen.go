package wire

import (
	"github.com/torsion-go/torsion/protocol"
)

// Chargen sends the printable characters, 72 to a line and each line one further
// on, for as long as the peer takes them, and throws away what it receives (RFC
// 864).
func Chargen() protocol.Protocol { return &chargen{} }

// A chargen writes one cycle of lines per turn, so that its loop has time for
// others, and none while its peer has not taken what was written before.
type chargen struct {
	protocol.Base
	paused bool
	due    bool // a timer for the next cycle is set
}

func (c *chargen) ConnectionMade(protocol.Transport) { c.generate() }

func (c *chargen) DataReceived([]byte) {}

// PauseWriting holds the generator.
func (c *chargen) PauseWriting() { c.paused = true }

// ResumeWriting lets it go on.
func (c *chargen) ResumeWriting() {
	c.paused = false
	if !c.due {
		c.generate()
	}
}

func (c *chargen) generate() {
	c.due = false
	if c.paused {
		return
	}
	if _, err := c.Write(cycle); err != nil {
		return // closed
	}
	c.due = true
	c.AfterFunc(0, c.generate)
}

// cycle has as many lines as there are printable characters: behind it they
// begin again.
var cycle = func() (lines []byte) {
	const first, printable, width = int(' '), int('~' - ' ' + 1), 72
	for start := range printable {
		for i := range width {
			lines = append(lines, byte(first+(start+i)%printable))
		}
		lines = append(lines, "\r\n"...)
	}
	return lines
}()
