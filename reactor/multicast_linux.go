package reactor

import (
	"net"

	"golang.org/x/sys/unix"
)

const (
	autobinds = true // a Unix socket that is bound to no name gets one
	dualHas4  = true // a socket of both families has the options of IPv4
)

func setMember4(fd, option int, group [4]byte, i *net.Interface) error {
	return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, option, &unix.IPMreqn{Multiaddr: group, Ifindex: int32(i.Index)})
}

func setInterface4(fd int, i *net.Interface) error {
	return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(i.Index)})
}

// tuneMulticast has a socket hear those groups only that it has joined, not all that
// anybody on this host has.
func (o *options) tuneMulticast(family string) {
	if family == "udp6" {
		_ = unix.SetsockoptInt(o.fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0) // since Linux 4.20
	}
	o.set("IP_MULTICAST_ALL", unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
}

// setTiny sets an option that other systems have as a byte.
func setTiny(fd, option, value int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, option, value)
}
