package intn

import (
	"errors"
	"fmt"
	"io"

	"github.com/torsion-go/torsion/protocol"
)

// A Handler handles the events of one connection that talks in strings with
// their length in front. They come in this order, on the loop, and never from
// inside one of its own calls:
//
//	ConnectionMade (StringReceived | StringTooLong)* ConnectionLost
//
// It may also have the abilities that package protocol names; the reactor finds
// them through the Protocol that New makes.
type Handler interface {
	// ConnectionMade is the first event.
	ConnectionMade(c *Conn)

	// StringReceived hands over the next string without its prefix. It is lent:
	// it is overwritten after the return.
	StringReceived(s []byte)

	// ConnectionLost is the last event and comes once. The reason is never nil.
	ConnectionLost(reason error)
}

// TooLong is a Handler that hears of strings longer than the limit. The
// connection of one that is none is ended with [ErrTooLong].
type TooLong interface {
	// StringTooLong is told once of each string above the limit, as soon as its
	// prefix has arrived. If it keeps the connection, the string is thrown away.
	// Otherwise the connection ends as by LoseConnection, with the
	// reason ErrTooLong.
	StringTooLong(length uint64) (keep bool)
}

// Reasons of a connection whose peer did something wrong. What was written to
// it before is delivered.
var (
	// ErrTooLong is sending a string above the limit. It is also the answer to
	// our own sending of one that the prefix cannot count.
	ErrTooLong = errors.New("intn: too long")

	// ErrMalformed is sending a varint that no writer makes.
	ErrMalformed = errors.New("intn: malformed")

	// ErrTruncated is ending one's side within a string. It is an
	// io.ErrUnexpectedEOF.
	ErrTruncated = fmt.Errorf("intn: %w", io.ErrUnexpectedEOF)
)

// A Prefix is a way to write a length.
type Prefix int

// The prefixes. Int8, Int16 and Int32 have that many bits, and count to 255, to
// 65,535 and to 4,294,967,295.
const (
	Int32 Prefix = iota
	Int16
	Int8
	Varint // as encoding/binary's Uvarint
)

// Config tunes a protocol of strings. The zero value is what most peers speak:
// 32 bits, big-endian.
type Config struct {
	// MaxLength is the length of the longest string that is received, in bytes,
	// without the prefix; 99,999 if zero (as in Twisted), no limit if negative.
	MaxLength int

	// Prefix is what precedes each string, in both directions; Int32 if zero.
	Prefix Prefix

	// LittleEndian has the lowest byte of an Int16 or Int32 come first.
	LittleEndian bool
}

// New returns a Protocol that hands its input to h, string by string.
func New(h Handler) protocol.Protocol { return Config{}.New(h) }

// New returns a Protocol that hands its input to h, string by string. It panics
// if there is no such Prefix.
func (c Config) New(h Handler) protocol.Protocol {
	r := &receiver{h: h, format: c.format()}
	r.Init(h, &r.format.Format, c.MaxLength)
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
