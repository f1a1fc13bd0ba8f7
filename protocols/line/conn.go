package line

import (
	"slices"
	"unsafe"

	"github.com/torsion-go/torsion/protocol"
)

// A Conn is a Handler's way to answer, one line at a time.
type Conn struct {
	protocol.Transport
	r *receiver
}

// Below returns the transport for protocol.As.
func (c *Conn) Below() protocol.Transport { return c.Transport }

// SendLine writes s and the delimiter. Text of others may have to be cleaned of
// delimiters first. That the connection is closed is no error here;
// ConnectionLost tells it.
func (c *Conn) SendLine(s string) {
	delim := c.r.split.delimiter()
	if b := c.room(len(s) + len(delim)); b != nil {
		c.Write(append(append(b, s...), delim...))
		return
	}
	c.Write(view(s))
	c.Write(view(delim))
}

// SendBytes writes parts and the delimiter: one line of several pieces.
func (c *Conn) SendBytes(parts ...[]byte) {
	delim := c.r.split.delimiter()
	n := len(delim)
	for _, p := range parts {
		n += len(p)
	}
	if b := c.room(n); b != nil {
		for _, p := range parts {
			b = append(b, p...)
		}
		c.Write(append(b, delim...))
		return
	}
	for _, p := range parts {
		c.Write(p)
	}
	c.Write(view(delim))
}

// room is where a line of n bytes is put together, so that it is one Write; nil if the
// transport has not as much.
func (c *Conn) room(n int) []byte {
	if a, ok := c.Transport.(protocol.BufferAvailer); ok {
		if b := a.AvailableBuffer(); cap(b) >= n {
			return b
		}
	}
	return nil
}

// view is s without a copy, for Write, which neither changes nor keeps it.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// SetDelimiter ends lines with d from the next one on, in both directions;
// empty means CRLF.
func (c *Conn) SetDelimiter(d string) {
	c.r.split.SetDelimiter(d)
	c.r.later()
}

// SetMaxLength changes the limit from the next line on, as [Config].MaxLength.
func (c *Conn) SetMaxLength(n int) { c.r.split.MaxLength = n }

// SetRawMode hands everything that follows this line to RawDataReceived. It
// panics if the Handler is no [RawHandler].
func (c *Conn) SetRawMode() {
	raw, ok := protocol.As[RawHandler](c.r.h)
	if !ok {
		panic("line: SetRawMode needs a Handler with RawDataReceived")
	}
	c.r.raw = &rawMode{h: raw}
	c.r.later()
}

// SetLineMode cuts what follows into lines again. extra is input that was
// received raw but belongs to the lines; it comes first.
func (c *Conn) SetLineMode(extra []byte) {
	var lent []byte
	if c.r.raw != nil {
		lent = c.r.raw.lent
	}
	c.r.raw = nil
	c.r.unread(extra, lent)
	c.r.later()
}

// ClearLineBuffer takes the input that has arrived and was not handed up: lines
// that wait and the beginning of an unfinished one. The result is the caller's.
func (c *Conn) ClearLineBuffer() []byte { return slices.Clone(c.r.split.Take()) }
