package factory

import "github.com/torsion-go/torsion/protocol"

// A DatagramNetwork opens datagram ports. Reactors are, and what Tuned returns of
// them; find it by protocol.As. Networks are "udp", "udp4", "udp6" and "unixgram".
// Its methods may be called from any goroutine. Of a [Socket] LocalAddr, LocalPath,
// ReusePort, UnixMode, ReadBuffer, WriteBuffer, MaxDatagram, HighWater, LowWater,
// MaxBacklog and CloseTimeout hold here. Each port needs a protocol of its own.
type DatagramNetwork interface {
	// ListenDatagram binds the local address and hands what comes there to p.
	// Addresses are those of net.ListenPacket: a group's address binds its port
	// beside others who do so. What leaves a wildcard has the address that the system
	// chooses by the way to the peer, not the one that the peer wrote to: a host with
	// several binds each. The port is bound when it returns, so a mistake is an error
	// here: a *net.OpError with the address. The error is protocol.ErrStopped when
	// the network stops.
	ListenDatagram(network, addr string, p protocol.DatagramProtocol) (Port, error)

	// ConnectDatagram opens a port that has one peer, and hears only that one and
	// what the network says of it. It does not ask whether somebody is there. A
	// name is looked up before it returns, by the calling goroutine, as net.Dial
	// does; so on the loop give it a literal address. Errors are those of
	// ListenDatagram. Port.Addr is the local address.
	ConnectDatagram(network, addr string, p protocol.DatagramProtocol) (Port, error)
}
