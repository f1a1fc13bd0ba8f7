package memnet

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	calls "github.com/torsion-go/torsion/internal/socket"
)

// datagrams is what a datagram socket has.
type datagrams struct {
	family    calls.Family
	at, peer  netip.AddrPort // of UDP
	path, to  string         // of Unix
	box       []calls.Datagram
	bytes     int  // in box
	shares    bool // its address
	broadcast bool
	deaf      bool // groups on this host do not hear it
	groups    map[netip.Addr]bool
}

// OpenDatagram opens a calls.
func (k *Kernel) OpenDatagram(network, addr string, connect bool, o factory.Socket) (loop.DatagramSocket, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := &datagrams{shares: o.ReusePort, groups: make(map[netip.Addr]bool)}
	var err error
	if network == "unixgram" {
		err = k.openUnix(d, addr, connect, o)
	} else {
		err = k.openUDP(d, network, addr, connect, o)
	}
	if err != nil {
		op := "listen"
		if connect {
			op = "dial"
		}
		var named net.Addr = &net.UnixAddr{Net: network, Name: addr}
		return loop.DatagramSocket{}, &net.OpError{Op: op, Net: network, Addr: named, Err: err}
	}
	opened := loop.DatagramSocket{Family: d.family, Local: d.addr(d.at, d.path)}
	if connect {
		opened.Remote = d.addr(d.peer, d.to)
	}
	opened.FD = k.add(&socket{datagrams: d, local: opened.Local, remote: opened.Remote})
	return opened, nil
}

func (d *datagrams) addr(a netip.AddrPort, path string) net.Addr {
	if d.family == calls.Unix {
		return &net.UnixAddr{Net: "unixgram", Name: path}
	}
	return net.UDPAddrFromAddrPort(a)
}

// openUnix binds a name, one of its own if there is to be none.
func (k *Kernel) openUnix(d *datagrams, addr string, connect bool, o factory.Socket) error {
	d.family, d.path = calls.Unix, addr
	if connect {
		k.port++
		d.path, d.to = o.LocalPath, addr
		if d.path == "" {
			d.path = fmt.Sprintf("@%05x", k.port)
		}
		if k.atPath(addr) == nil {
			return syscall.ECONNREFUSED
		}
	}
	if k.atPath(d.path) != nil {
		return syscall.EADDRINUSE
	}
	return nil
}

// openUDP binds an address, on a port of its own if there is to be any.
func (k *Kernel) openUDP(d *datagrams, network, addr string, connect bool, o factory.Socket) error {
	a, err := k.parseUDP(network, addr)
	if err != nil {
		return err
	}
	d.at, d.family = a, calls.IPv6
	switch {
	case a.Addr().Is4():
		d.family = calls.IPv4
	case network == "udp" && a.Addr().IsUnspecified() && !connect:
		d.family = calls.Dual
	}
	if connect {
		d.peer = a
		if d.at = o.LocalAddr; !d.at.IsValid() {
			d.at = netip.AddrPortFrom(loopback(a.Addr().Is4()), 0)
		}
	}
	if d.at.Port() == 0 {
		k.port++
		d.at = netip.AddrPortFrom(d.at.Addr(), uint16(k.port))
	}
	for _, s := range k.sockets {
		if s == nil || s.datagrams == nil || s.datagrams.at.Port() != d.at.Port() || s.datagrams.shares && d.shares {
			continue
		}
		if o := s.datagrams; o.covers(d.at.Addr()) || d.covers(o.at.Addr()) {
			return syscall.EADDRINUSE
		}
	}
	return nil
}

func loopback(is4 bool) netip.Addr {
	if is4 {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

func (k *Kernel) parseUDP(network, addr string) (netip.AddrPort, error) {
	if network != "udp" && network != "udp4" && network != "udp6" {
		return netip.AddrPort{}, net.UnknownNetworkError(network)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := net.LookupPort(network, port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var ip netip.Addr
	switch {
	case host == "localhost":
		ip = loopback(network != "udp6")
	case host != "":
		ip, err = netip.ParseAddr(host)
	case network == "udp4":
		ip = netip.IPv4Unspecified()
	default:
		ip = netip.IPv6Unspecified()
	}
	if err != nil {
		return netip.AddrPort{}, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if ip = ip.Unmap(); network == "udp4" && !ip.Is4() || network == "udp6" && ip.Is4() {
		return netip.AddrPort{}, &net.AddrError{Err: "address of another family", Addr: addr}
	}
	return netip.AddrPortFrom(ip, uint16(n)), nil
}

// covers reports whether what is sent to a comes to d.
func (d *datagrams) covers(a netip.Addr) bool {
	switch {
	case d.family == calls.Unix:
		return false
	case d.at.Addr() == a, d.family == calls.Dual:
		return true
	}
	return d.at.Addr().IsUnspecified() && d.at.Addr().Is4() == a.Is4()
}

func (k *Kernel) atPath(path string) *socket {
	for _, s := range k.sockets {
		if s != nil && s.datagrams != nil && s.datagrams.family == calls.Unix && s.datagrams.path == path {
			return s
		}
	}
	return nil
}

// SetMember has what is sent to the group received, or not.
func (k *Kernel) SetMember(fd int, _ calls.Family, group netip.Addr, iface string, member bool) error {
	return k.setDatagram(fd, func(d *datagrams) error {
		switch {
		case iface != "" && iface != "lo":
			return &net.OpError{Op: "route", Net: "ip+net", Err: fmt.Errorf("no such network interface")}
		case member && d.groups[group]:
			return syscall.EADDRINUSE
		case !member && !d.groups[group]:
			return syscall.EADDRNOTAVAIL
		}
		d.groups[group] = member
		return nil
	})
}

// SetMulticastTTL does nothing: all is near.
func (k *Kernel) SetMulticastTTL(int, calls.Family, int) error { return nil }

// SetMulticastLoopback has groups here hear the socket, or not.
func (k *Kernel) SetMulticastLoopback(fd int, _ calls.Family, on bool) error {
	return k.setDatagram(fd, func(d *datagrams) error { d.deaf = !on; return nil })
}

// SetMulticastInterface does nothing: there is one.
func (k *Kernel) SetMulticastInterface(int, calls.Family, string) error { return nil }

// SetBroadcast allows it, or not.
func (k *Kernel) SetBroadcast(fd int, on bool) error {
	return k.setDatagram(fd, func(d *datagrams) error { d.broadcast = on; return nil })
}

func (k *Kernel) setDatagram(fd int, set func(d *datagrams) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return set(k.socket(fd).datagrams)
}
