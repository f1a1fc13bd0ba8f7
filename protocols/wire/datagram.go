package wire

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// longest is how many bytes an answer of chargen or of the quote of the day has at
// the most (RFC 864 and 865, section "UDP Based").
const longest = 512

// DatagramEcho sends each datagram back (RFC 862).
//
// None of these services answers a port of the system (below 1024) or one with its own
// number: two that answer each other, because somebody has forged a sender, would never
// stop. But for Discard none should be open to the whole Internet all the same: to a
// forged sender they answer, too.
func DatagramEcho() protocol.DatagramProtocol {
	return &answerer{answer: func(data []byte, _ time.Time) []byte { return data }}
}

// DatagramDiscard throws away what it receives (RFC 863).
func DatagramDiscard() protocol.DatagramProtocol {
	return &answerer{answer: func([]byte, time.Time) []byte { return nil }}
}

// DatagramChargen answers with characters of [Chargen]'s lines, up to 512, a random
// number of them (RFC 864), but with no more than came, so that it makes nobody's
// flood larger.
func DatagramChargen() protocol.DatagramProtocol {
	return &answerer{answer: func(data []byte, _ time.Time) []byte {
		return cycle[:rand.IntN(min(len(data), longest)+1)]
	}}
}

// DatagramQuoteOfTheDay answers with a quote (RFC 865), cut to 512 bytes. It calls
// quote for each datagram, on the loop.
func DatagramQuoteOfTheDay(quote func() string) protocol.DatagramProtocol {
	return &answerer{answer: func([]byte, time.Time) []byte {
		q := quote()
		return []byte(q[:min(len(q), longest)])
	}}
}

// DatagramDaytime answers with the date and time, as [Daytime] (RFC 867).
func DatagramDaytime() protocol.DatagramProtocol {
	return &answerer{answer: func(_ []byte, now time.Time) []byte { return []byte(daytime(now)) }}
}

// DatagramTime answers with the seconds since 1900, as [Time] (RFC 868).
func DatagramTime() protocol.DatagramProtocol {
	return &answerer{answer: func(_ []byte, now time.Time) []byte { return []byte(seconds(now)) }}
}

// An answerer answers each datagram by one, or by none.
type answerer struct {
	protocol.DatagramBase
	answer func(data []byte, now time.Time) []byte // nil: none
	own    uint16                                  // our port
}

// StartProtocol learns our port.
func (a *answerer) StartProtocol(t protocol.DatagramTransport) {
	if u, ok := t.LocalAddr().(*net.UDPAddr); ok {
		a.own = uint16(u.Port)
	}
}

func (a *answerer) DatagramReceived(data []byte, from netip.AddrPort) {
	const system = 1024
	if p := from.Port(); p < system || p == a.own {
		return
	}
	if b := a.answer(data, a.Now()); b != nil {
		_, _ = a.WriteTo(b, from) // one that does not fit is lost, as others are on the way
	}
}
