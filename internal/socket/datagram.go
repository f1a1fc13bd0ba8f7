package socket

import "net/netip"

// Batch is how many datagrams a call takes at the most.
const Batch = 32

// A Datagram is one message from a socket or to it.
type Datagram struct {
	Data []byte         // received: offers room, and is cut to what came
	Addr netip.AddrPort // of the peer; invalid: a Unix socket's, or the only one of a connected socket
	Path string         // of a Unix peer
	Cut  bool           // received: Data is not all of it
}

// A Family says to whom a datagram socket can send.
type Family uint8

// The families. Dual is an IPv6 socket that speaks IPv4 too, to mapped addresses.
const (
	IPv4 Family = iota
	IPv6
	Dual
	Unix
)
