package netstring

import (
	"errors"
	"fmt"
	"io"

	"github.com/torsion-go/torsion/protocol"
)

// A Handler handles the events of one connection that talks in netstrings. They
// come in this order, on the loop, and never from inside one of its own calls:
//
//	ConnectionMade (StringReceived | StringTooLong)* ConnectionLost
//
// It may also have the abilities that package protocol names; the reactor finds
// them through the Protocol that New makes.
type Handler interface {
	// ConnectionMade is the first event.
	ConnectionMade(c *Conn)

	// StringReceived hands over what the next netstring holds. It is lent: it
	// is overwritten after the return.
	StringReceived(s []byte)

	// ConnectionLost is the last event and comes once. The reason is never nil.
	ConnectionLost(reason error)
}

// TooLong is a Handler that hears of netstrings longer than the limit. The
// connection of one that is none is ended with [ErrTooLong].
type TooLong interface {
	// StringTooLong is told once of each netstring above the limit, as soon as
	// its length has arrived. If it keeps the connection, the netstring is
	// thrown away. Otherwise the connection ends as by LoseConnection, with the
	// reason ErrTooLong.
	StringTooLong(length uint64) (keep bool)
}

// Reasons of a connection whose peer did something wrong. What was written to
// it before is delivered.
var (
	// ErrTooLong is sending a netstring above the limit.
	ErrTooLong = errors.New("netstring: too long")

	// ErrMalformed is sending what is no netstring.
	ErrMalformed = errors.New("netstring: malformed")

	// ErrTruncated is ending one's side within a netstring. It is an
	// io.ErrUnexpectedEOF.
	ErrTruncated = fmt.Errorf("netstring: %w", io.ErrUnexpectedEOF)
)

// Config tunes a netstring protocol. The zero value suits most.
type Config struct {
	// MaxLength is the length of the longest netstring that is received, in
	// bytes, without its own length, the colon and the comma; 99,999 if zero (as
	// in Twisted), no limit if negative.
	MaxLength int
}

// New returns a Protocol that hands its input to h, netstring by netstring.
func New(h Handler) protocol.Protocol { return Config{}.New(h) }

// New returns a Protocol that hands its input to h, netstring by netstring.
func (c Config) New(h Handler) protocol.Protocol {
	r := &receiver{h: h}
	r.Init(h, &format, c.MaxLength)
	return r
}

// Base can be embedded in a Handler that only cares for some events. It holds
// the Conn, so the Handler can say h.SendString, and its methods need not be
// called by those that hide them.
type Base struct {
	*Conn
	noWrapper //lint:ignore U1000 it is here for what it hides
}

// ConnectionMade does nothing: the Conn is there already.
func (b *Base) ConnectionMade(*Conn) {}

// ConnectionLost does nothing.
func (b *Base) ConnectionLost(error) {}

func (b *Base) connect(c *Conn) { b.Conn = c }

// noWrapper keeps protocol.As from walking through a Handler back down into its
// own transport: of two methods with the same name at the same depth neither is
// promoted.
type noWrapper struct{}

func (noWrapper) Below() protocol.Transport { return nil }

var _ interface{ Below() protocol.Transport } = noWrapper{}
