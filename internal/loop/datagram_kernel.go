package loop

import (
	"net"
	"net/netip"
	"syscall"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/socket"
)

// A DatagramKernel is what a Kernel has for datagram ports.
type DatagramKernel interface {
	// OpenDatagram opens a socket, bound to the address, or else connected to it.
	// It may be called from anywhere, and blocks while it looks up a name.
	OpenDatagram(network, addr string, connect bool, s factory.Socket) (DatagramSocket, error)

	// RecvDatagrams fills ms from the front, with at least one, or answers an
	// error, or both: then the error came behind. Fewer than there was room for,
	// and no error, mean that nothing else has come.
	// SendDatagrams sends some from the front; an error is about the first of
	// them, or one that was sent before. EAGAIN stands for EINTR too.
	RecvDatagrams(fd int, ms []socket.Datagram) (int, syscall.Errno)
	SendDatagrams(fd int, ms []socket.Datagram) (int, syscall.Errno)

	// These are options of a UDP socket of that family; no interface is the
	// system's choice.
	SetMember(fd int, f socket.Family, group netip.Addr, iface string, member bool) error
	SetMulticastTTL(fd int, f socket.Family, hops int) error
	SetMulticastLoopback(fd int, f socket.Family, on bool) error
	SetMulticastInterface(fd int, f socket.Family, iface string) error
	SetBroadcast(fd int, on bool) error
}

// A DatagramSocket is one that was opened. Remote is nil unless it is connected.
type DatagramSocket struct {
	FD            int
	Family        socket.Family
	Local, Remote net.Addr
}
