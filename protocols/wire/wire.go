// Package wire has the small services that the early Internet kept for testing,
// over TCP and UDP (RFC 862 to 868). Each is a Protocol; use it with factory.Each. For
// UDP each has a DatagramProtocol:
//
//	r.Listen("tcp", "127.0.0.1:7", factory.Each(wire.Echo))
//	r.ListenDatagram("udp", "127.0.0.1:7", wire.DatagramEcho())
//
// They are bounded whatever the peer does. What is said of an echo's memory in
// package protocol holds: while its peer does not read, it reads no more either.
package wire

import (
	"encoding/binary"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// Echo sends back what it receives (RFC 862).
func Echo() protocol.Protocol { return &echo{} }

type echo struct{ protocol.Base }

func (e *echo) DataReceived(data []byte) { e.Write(data) }

// Discard throws away what it receives (RFC 863).
func Discard() protocol.Protocol { return &discard{} }

type discard struct{ protocol.Base }

func (d *discard) DataReceived([]byte) {}

// QuoteOfTheDay sends a quote and closes (RFC 865). It calls quote for each
// connection, on the loop; the answer should be ASCII and below 512 bytes.
func QuoteOfTheDay(quote func() string) factory.Factory {
	return factory.Each(func() protocol.Protocol {
		return &teller{tell: func(time.Time) string { return quote() }}
	})
}

// Daytime sends the date and time, in UTC, as a line for people, and closes
// (RFC 867).
func Daytime() protocol.Protocol { return &teller{tell: daytime} }

func daytime(now time.Time) string {
	return now.UTC().Format("Monday, January 2, 2006 15:04:05-MST") + "\r\n"
}

// Time sends the seconds since 1900, as four bytes in network order, and closes
// (RFC 868). They begin again at zero in 2036.
func Time() protocol.Protocol { return &teller{tell: seconds} }

func seconds(now time.Time) string {
	const from1900to1970 = 2_208_988_800
	return string(binary.BigEndian.AppendUint32(nil, uint32(now.Unix()+from1900to1970)))
}

// A teller says one thing and hangs up. What it is told meanwhile is thrown away.
type teller struct {
	protocol.Base
	tell func(now time.Time) string
}

func (t *teller) ConnectionMade(protocol.Transport) {
	t.Write([]byte(t.tell(t.Now())))
	t.LoseConnection()
}

func (t *teller) DataReceived([]byte) {}
