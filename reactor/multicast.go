//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"net"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/internal/socket"
)

// SetMember joins or leaves a group.
func (k *kernel) SetMember(fd int, _ socket.Family, group netip.Addr, iface string, member bool) error {
	i, err := interfaceOf(iface)
	if err != nil {
		return err
	}
	if group.Is4() {
		option := unix.IP_DROP_MEMBERSHIP
		if member {
			option = unix.IP_ADD_MEMBERSHIP
		}
		return os.NewSyscallError("setsockopt", setMember4(fd, option, group.As4(), i))
	}
	option := unix.IPV6_LEAVE_GROUP
	if member {
		option = unix.IPV6_JOIN_GROUP
	}
	mreq := &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(i.Index)}
	return os.NewSyscallError("setsockopt", unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, option, mreq))
}

// interfaceOf finds an interface by its name, or by its number, as zones may have it;
// that without a name has the number 0, which is the system's choice.
func interfaceOf(name string) (*net.Interface, error) {
	if name == "" {
		return &net.Interface{}, nil
	}
	i, err := net.InterfaceByName(name)
	if n, e := strconv.Atoi(name); err != nil && e == nil {
		return net.InterfaceByIndex(n)
	}
	return i, err
}

// SetMulticastTTL sets how far datagrams to groups go.
func (k *kernel) SetMulticastTTL(fd int, f socket.Family, hops int) error {
	return forFamilies(f,
		func() error { return setTiny(fd, unix.IP_MULTICAST_TTL, hops) },
		func() error {
			return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, hops)
		})
}

// SetMulticastLoopback has groups on this host hear them, or not.
func (k *kernel) SetMulticastLoopback(fd int, f socket.Family, on bool) error {
	return forFamilies(f,
		func() error { return setTiny(fd, unix.IP_MULTICAST_LOOP, number(on)) },
		func() error {
			return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, number(on))
		})
}

// SetMulticastInterface sets where datagrams to groups leave.
func (k *kernel) SetMulticastInterface(fd int, f socket.Family, iface string) error {
	i, err := interfaceOf(iface)
	if err != nil {
		return err
	}
	return forFamilies(f,
		func() error { return setInterface4(fd, i) },
		func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, i.Index) })
}

// SetBroadcast allows broadcasts, or not.
func (k *kernel) SetBroadcast(fd int, on bool) error {
	o := options{fd: fd}
	o.broadcast(on)
	return o.err
}

func (o *options) broadcast(on bool) {
	o.set("SO_BROADCAST", unix.SOL_SOCKET, unix.SO_BROADCAST, number(on))
}

// forFamilies sets the options of the families that a socket has.
func forFamilies(f socket.Family, v4, v6 func() error) error {
	if f != socket.IPv4 {
		if err := v6(); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if f == socket.IPv4 || f == socket.Dual && dualHas4 {
		return os.NewSyscallError("setsockopt", v4())
	}
	return nil
}
