package line

import (
	"errors"

	"github.com/torsion-go/torsion/protocol"
)

// A Handler handles the events of one connection that talks in lines. They
// come in this order, on the loop, and never from inside one of its own calls:
//
//	ConnectionMade (LineReceived | RawDataReceived | LineTooLong)* ConnectionLost
//
// It may also have the abilities that package protocol names; the reactor finds
// them through the Protocol that New makes.
type Handler interface {
	// ConnectionMade is the first event.
	ConnectionMade(c *Conn)

	// LineReceived hands over the next line without its ending. It is lent:
	// it is overwritten after the return.
	LineReceived(line []byte)

	// ConnectionLost is the last event and comes once. The reason is never nil.
	ConnectionLost(reason error)
}

// TooLong is a Handler that hears of lines longer than the limit. The
// connection of one that is none is ended with [ErrTooLong].
type TooLong interface {
	// LineTooLong is told once of each line that has more than n bytes, as soon
	// as no delimiter can change that; n is the limit. If it keeps the connection, the line is thrown
	// away up to its ending. Otherwise the connection ends as by
	// LoseConnection, with the reason ErrTooLong.
	LineTooLong(n int) (keep bool)
}

// A RawHandler is a Handler that may call [Conn.SetRawMode].
type RawHandler interface {
	// RawDataReceived hands over input that is not cut into lines. It is lent.
	RawDataReceived(data []byte)
}

// ErrTooLong is the reason of a connection whose peer sent a line above the
// limit.
var ErrTooLong = errors.New("line: too long")

// Config tunes a line protocol. The zero value suits most.
type Config struct {
	// MaxLength is the length of the longest line in bytes, without its ending;
	// 16 KiB if zero, no limit if negative.
	MaxLength int

	// Delimiter ends a line, in both directions; CRLF if empty.
	Delimiter string

	// AcceptLF ends lines at a bare LF too, if the Delimiter is CRLF. It is for
	// people at terminals, and never for SMTP.
	AcceptLF bool
}

// New returns a Protocol that hands its input to h, line by line.
func New(h Handler) protocol.Protocol { return Config{}.New(h) }

// New returns a Protocol that hands its input to h, line by line.
func (c Config) New(h Handler) protocol.Protocol {
	return &receiver{h: h, split: Splitter{Config: c}}
}

// Base can be embedded in a Handler that only cares for some events. It holds
// the Conn, so the Handler can say h.SendLine, and its methods need not be
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
