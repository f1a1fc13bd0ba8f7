package intn

import (
	"encoding/binary"
	"unsafe"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/internal/framing"
)

// A Conn is a Handler's way to answer, one string at a time.
type Conn struct {
	protocol.Transport
	r *receiver
}

// Below returns the transport for protocol.As.
func (c *Conn) Below() protocol.Transport { return c.Transport }

// SendString writes s behind its length. The error is ErrTooLong if the prefix
// cannot count so far, and then nothing is written; Config.MaxLength is for what
// is received, not for this. That the connection is closed is no error here;
// ConnectionLost tells it.
func (c *Conn) SendString(s string) error {
	if err := c.writePrefix(uint64(len(s))); err != nil {
		return err
	}
	c.Write(unsafe.Slice(unsafe.StringData(s), len(s))) // which Write neither changes nor keeps
	return nil
}

// SendBytes writes parts as one string. The error is that of SendString.
func (c *Conn) SendBytes(parts ...[]byte) error {
	n := uint64(0)
	for _, p := range parts {
		n += uint64(len(p))
	}
	if err := c.writePrefix(n); err != nil {
		return err
	}
	for _, p := range parts {
		c.Write(p)
	}
	return nil
}

// SetMaxLength changes the limit, as [Config].MaxLength, for the strings of
// which the prefix has not arrived.
func (c *Conn) SetMaxLength(n int) { c.r.Splitter.MaxLength = n }

func (c *Conn) writePrefix(n uint64) error {
	f := c.r.format
	if n > f.most {
		return ErrTooLong
	}
	c.Write(f.append(c.r.prefix[:0], n))
	return nil
}

// A receiver is the Protocol around a Handler.
type receiver struct {
	framing.Strings
	h      Handler
	conn   Conn
	format *format
	prefix [binary.MaxVarintLen64]byte // room for what writePrefix makes
}

func (r *receiver) ConnectionMade(t protocol.Transport) {
	r.Transport = t
	r.conn = Conn{t, r}
	if b, ok := protocol.As[interface{ connect(*Conn) }](r.h); ok {
		b.connect(&r.conn)
	}
	r.h.ConnectionMade(&r.conn)
}
