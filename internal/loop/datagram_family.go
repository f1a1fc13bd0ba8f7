package loop

import (
	"net"
	"net/netip"
	"syscall"

	"github.com/torsion-go/torsion/internal/socket"
)

// A unixPort is a port of Unix datagrams.
type unixPort struct{ *datagramPort }

// WriteToPath sends to the peer at a path.
func (u unixPort) WriteToPath(p []byte, path string) (int, error) {
	d := u.datagramPort
	d.loop.check()
	remote, connected := d.socket.Remote.(*net.UnixAddr)
	var err error
	switch {
	case path == "":
		err = &net.AddrError{Err: "no address"} // the sender has bound none
	case len(path) > maxUnixPath:
		err = syscall.EINVAL
	case connected && path != remote.Name:
		err = net.ErrWriteToConnected
	case connected:
		path = ""
	}
	if err != nil {
		return 0, d.opError("write", &net.UnixAddr{Net: "unixgram", Name: path}, err)
	}
	return d.queue(p, netip.AddrPort{}, path)
}

// maxUnixPath is what fits into a Unix address everywhere, with a NUL behind it.
const maxUnixPath = 103

// A udpPort is a port of UDP.
type udpPort struct{ *datagramPort }

// change has f set something, unless the port has ended.
func (u udpPort) change(f func(k Kernel, fd int, family socket.Family) error) error {
	d := u.datagramPort
	d.loop.check()
	err := error(net.ErrClosed)
	if d.noRead&ended == 0 {
		err = f(d.loop.kernel, d.socket.FD, d.socket.Family)
	}
	if err != nil {
		return d.opError("setsockopt", nil, err)
	}
	return nil
}

// member joins or leaves a group.
func (u udpPort) member(group netip.Addr, iface string, member bool) error {
	if iface == "" {
		iface = group.Zone()
	}
	return u.change(func(k Kernel, fd int, f socket.Family) error {
		switch {
		case !group.IsMulticast():
			return &net.AddrError{Err: "not a multicast address", Addr: group.String()}
		case f == socket.IPv4 && !group.Is4(), f == socket.IPv6 && !group.Is6():
			return &net.AddrError{Err: "address of another family", Addr: group.String()}
		}
		return k.SetMember(fd, f, group, iface, member)
	})
}

// JoinGroup has what is sent to the group received.
func (u udpPort) JoinGroup(group netip.Addr, iface string) error {
	return u.member(group.Unmap(), iface, true)
}

// LeaveGroup ends that.
func (u udpPort) LeaveGroup(group netip.Addr, iface string) error {
	return u.member(group.Unmap(), iface, false)
}

// SetMulticastTTL sets how far datagrams to groups go.
func (u udpPort) SetMulticastTTL(hops int) error {
	return u.change(func(k Kernel, fd int, f socket.Family) error {
		if hops < 0 || hops > 255 {
			return syscall.EINVAL
		}
		return k.SetMulticastTTL(fd, f, hops)
	})
}

// SetMulticastLoopback has members on this host hear them, or not.
func (u udpPort) SetMulticastLoopback(on bool) error {
	return u.change(func(k Kernel, fd int, f socket.Family) error { return k.SetMulticastLoopback(fd, f, on) })
}

// SetMulticastInterface sets where they leave.
func (u udpPort) SetMulticastInterface(iface string) error {
	return u.change(func(k Kernel, fd int, f socket.Family) error { return k.SetMulticastInterface(fd, f, iface) })
}

// SetBroadcast allows to send to broadcast addresses, or not.
func (u udpPort) SetBroadcast(on bool) error {
	return u.change(func(k Kernel, fd int, _ socket.Family) error { return k.SetBroadcast(fd, on) })
}
