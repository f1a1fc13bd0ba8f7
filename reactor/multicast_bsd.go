//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package reactor

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

const (
	autobinds = false // a Unix socket without a name has none
	dualHas4  = false // a socket of both families refuses the options of IPv4
)

func setMember4(fd, option int, group [4]byte, i *net.Interface) error {
	own, err := address4(i)
	if err != nil {
		return err
	}
	return unix.SetsockoptIPMreq(fd, unix.IPPROTO_IP, option, &unix.IPMreq{Multiaddr: group, Interface: own})
}

func setInterface4(fd int, i *net.Interface) error {
	own, err := address4(i)
	if err != nil {
		return err
	}
	return unix.SetsockoptInet4Addr(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, own)
}

// tuneMulticast does nothing: a socket hears those groups only that it has joined.
func (*options) tuneMulticast(string) {}

// setTiny sets an option that is a byte.
func setTiny(fd, option, value int) error {
	return unix.SetsockoptByte(fd, unix.IPPROTO_IP, option, byte(value))
}

// address4 is the IPv4 address of an interface, by which these systems know it.
func address4(i *net.Interface) (own [4]byte, err error) {
	if i.Index == 0 {
		return own, nil
	}
	addrs, err := i.Addrs()
	if err != nil {
		return own, err
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap().Is4() {
				return ip.Unmap().As4(), nil
			}
		}
	}
	return own, unix.EADDRNOTAVAIL
}
