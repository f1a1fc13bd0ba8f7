package protocol

import (
	"io"
	"net"
	"net/netip"

	"github.com/torsion-go/torsion/clock"
)

// A DatagramProtocol handles the events of one datagram port, of UDP or of Unix
// datagrams. They come in this order, on the loop, and never from inside one of
// the DatagramProtocol's own calls:
//
//	StartProtocol (DatagramReceived)* StopProtocol
//
// A datagram arrives whole or not at all, perhaps twice, in any order, and its
// sender may be forged. Each is an event of its own; what is written in answer to
// those that came together leaves together. Receiving and sending one allocates
// nothing on Linux, but for a Unix peer that was not among the last 64; elsewhere the
// addresses do.
//
// A panic in DatagramReceived is logged, and the port lives on: the next datagram
// is somebody else's. One in StartProtocol ends the port with a [*PanicError]. What
// else a DatagramProtocol can hear it asks for by implementing [ErrorReceiver],
// [UnixDatagramReceiver], [WritePauser] or [Shutdowner].
type DatagramProtocol interface {
	// StartProtocol is the first event.
	StartProtocol(t DatagramTransport)

	// DatagramReceived hands over one datagram, of no bytes perhaps, and its
	// sender, the zero AddrPort on a Unix port (see UnixDatagramReceiver). An IPv4
	// sender is never written as an IPv6 address; the zone of a link-local one is
	// kept. The data is lent: it is overwritten after the return.
	DatagramReceived(data []byte, from netip.AddrPort)

	// StopProtocol is the last event and comes once. The reason is never nil. Ask it
	// by errors.Is: it is [ErrConnectionDone] after Port.Close and LoseConnection,
	// [ErrCloseTimeout] if what was written could not be sent in time, and during
	// the reactor's end it is [ErrShutdown] too.
	StopProtocol(reason error)
}

// An ErrorReceiver hears what became of an earlier datagram: the peer of a
// connected port has nobody there (ECONNREFUSED), the system would not send it
// (EMSGSIZE, EPERM, EHOSTUNREACH, ...), or has had no room for it for a second or two
// (ENOBUFS), or one that came was longer than MaxDatagram of factory.Socket and is
// dropped (EMSGSIZE). Without it errors are logged at Debug.
type ErrorReceiver interface {
	// ErrorReceived is told a [*net.OpError], with the peer as Addr where that is
	// known; Op is "read" or "write". The port goes on. What is written here
	// leaves in a later event.
	ErrorReceived(err error)
}

// A UnixDatagramReceiver learns the path of the sender of a Unix datagram. It is
// empty if the sender has bound none, and begins with @ if it is abstract.
type UnixDatagramReceiver interface {
	// UnixDatagramReceived is called instead of DatagramReceived on a Unix port.
	UnixDatagramReceived(data []byte, from string)
}

// A DatagramTransport is one datagram port as its DatagramProtocol sees it. All
// methods are legal in every event and belong to the loop. Its timers run on the
// loop and die with the port.
//
// A write queues a copy, never blocks, and leaves when the event has been handled,
// or those events that came together. The error, a [*net.OpError], is
//
//   - [net.ErrClosed] after LoseConnection and the end,
//   - EMSGSIZE for a datagram that is too long for any of its network,
//   - a [*net.AddrError] for a peer of another family,
//   - ENOBUFS when MaxBacklog of factory.Socket is reached: it was not queued,
//   - ENOTCONN without a peer, [net.ErrWriteToConnected] for another than the one.
//
// What the system says of a datagram later, an [ErrorReceiver] hears.
type DatagramTransport interface {
	// Write sends a datagram to the peer of a connected port. It may be empty.
	io.Writer
	clock.Clock

	// WriteTo sends a datagram, of no bytes perhaps, to a peer. On an IPv6 port the
	// zone of a link-local address may be a name or a number.
	WriteTo(p []byte, to netip.AddrPort) (int, error)

	// LoseConnection closes the port when what was written has been sent. Nothing
	// more is received from here on, what came in the same moment included.
	LoseConnection()

	// PauseReading stops DatagramReceived until ResumeReading. What came in the
	// same moment, 31 datagrams at the most, is copied and kept, as when HighWater
	// pauses it; for the rest the system has a buffer, and drops what does not fit
	// there.
	PauseReading()

	// ResumeReading ends PauseReading; what is received follows in a later event.
	ResumeReading()

	// Buffered returns the bytes written that the system has not taken yet, each
	// datagram with [DatagramOverhead].
	Buffered() int

	// LocalAddr is a *net.UDPAddr or a *net.UnixAddr, and stays valid.
	LocalAddr() net.Addr

	// RemoteAddr is that of the peer of a connected port, and otherwise nil.
	RemoteAddr() net.Addr

	// Loop returns the loop on which the port lives.
	Loop() Loop
}

// DatagramOverhead is what each datagram that waits to be sent counts for, in
// bytes, besides its own.
const DatagramOverhead = 128

// A UnixDatagramTransport is the DatagramTransport of a Unix port; find it by [As].
type UnixDatagramTransport interface {
	// WriteToPath is WriteTo for a peer at a path, which begins with @ if it is
	// abstract. A peer that does not read holds up nobody else: what is written to
	// it waits beside the rest, and is dropped when it has taken nothing for 31
	// milliseconds. An [ErrorReceiver] is told so: [ErrSlowPeer]. Linux counts what peers
	// have not read against the sender's buffer, factory.Socket's WriteBuffer: when that is
	// full none takes any more.
	WriteToPath(p []byte, path string) (int, error)
}

// A MulticastTransport is the DatagramTransport of a UDP port; find it by [As]. On
// a port of both families the settings hold for both. Errors are what the system
// says, and [net.ErrClosed] when the port has ended.
type MulticastTransport interface {
	// JoinGroup has datagrams to the group, one of the port's family, received,
	// those that come over the interface of that name, or that the system chooses
	// if the name is empty (and the group has no zone). LeaveGroup takes it back.
	JoinGroup(group netip.Addr, iface string) error
	LeaveGroup(group netip.Addr, iface string) error

	// SetMulticastTTL sets how many hops datagrams to groups go, 0 to 255;
	// 1, the own network, at first.
	SetMulticastTTL(hops int) error

	// SetMulticastLoopback has this host's members of a group hear what is sent
	// to it, as at first, or not.
	SetMulticastLoopback(on bool) error

	// SetMulticastInterface sets the interface over which datagrams to groups
	// leave; empty: the system's choice.
	SetMulticastInterface(iface string) error

	// SetBroadcast allows to send to broadcast addresses; not allowed at first
	// (EACCES).
	SetBroadcast(on bool) error
}

// DatagramBase can be embedded in a DatagramProtocol that only cares for some
// events. It holds the DatagramTransport, and its methods need not be called by
// those that hide them:
//
//	type echo struct{ protocol.DatagramBase }
//
//	func (e *echo) DatagramReceived(data []byte, from netip.AddrPort) { e.WriteTo(data, from) }
type DatagramBase struct {
	DatagramTransport
}

// StartProtocol does nothing: the DatagramTransport is there already.
func (b *DatagramBase) StartProtocol(DatagramTransport) {}

// StopProtocol does nothing.
func (b *DatagramBase) StopProtocol(error) {}

func (b *DatagramBase) start(t DatagramTransport) {
	if b.DatagramTransport != nil {
		panic("torsion: this DatagramProtocol has or had a port already; each port needs one of its own")
	}
	b.DatagramTransport = t
}

// StartDatagrams gives p its transport, which is what makes [DatagramBase] work,
// and then calls p.StartProtocol. Reactors begin every datagram port with it.
func StartDatagrams(p DatagramProtocol, t DatagramTransport) {
	if b, ok := p.(interface{ start(DatagramTransport) }); ok {
		b.start(t)
	}
	p.StartProtocol(t)
}
