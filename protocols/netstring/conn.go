package netstring

import (
	"strconv"
	"unsafe"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/internal/framing"
)

// A Conn is a Handler's way to answer, one netstring at a time.
type Conn struct {
	protocol.Transport
	r *receiver
}

// Below returns the transport for protocol.As.
func (c *Conn) Below() protocol.Transport { return c.Transport }

// SendString writes s as a netstring. The limit is for what is received, not for
// this. That the connection is closed is no error here; ConnectionLost tells it.
func (c *Conn) SendString(s string) {
	c.writeLength(uint64(len(s)))
	c.Write(unsafe.Slice(unsafe.StringData(s), len(s))) // which Write neither changes nor keeps
	c.Write(comma)
}

// SendBytes writes parts as one netstring.
func (c *Conn) SendBytes(parts ...[]byte) {
	n := uint64(0)
	for _, p := range parts {
		n += uint64(len(p))
	}
	c.writeLength(n)
	for _, p := range parts {
		c.Write(p)
	}
	c.Write(comma)
}

// SetMaxLength changes the limit, as [Config].MaxLength, for the netstrings of
// which the length has not arrived.
func (c *Conn) SetMaxLength(n int) { c.r.Splitter.MaxLength = n }

var comma = []byte(",")

func (c *Conn) writeLength(n uint64) {
	c.Write(append(strconv.AppendUint(c.r.length[:0], n, 10), ':'))
}

// A receiver is the Protocol around a Handler.
type receiver struct {
	framing.Strings
	h      Handler
	conn   Conn
	length [maxDigits + 1]byte // room for what writeLength makes
}

func (r *receiver) ConnectionMade(t protocol.Transport) {
	r.Transport = t
	r.conn = Conn{t, r}
	if b, ok := protocol.As[interface{ connect(*Conn) }](r.h); ok {
		b.connect(&r.conn)
	}
	r.h.ConnectionMade(&r.conn)
}
