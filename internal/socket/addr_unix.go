//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package socket

import (
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// tcpAddr makes one allocation of an address and the memory of its IP.
func tcpAddr(ip []byte, port int, scope uint32) *net.TCPAddr {
	a := &struct {
		net.TCPAddr
		ip [16]byte
	}{}
	a.Port = port
	a.IP = a.ip[:copy(a.ip[:], ip)]
	if scope != 0 {
		a.Zone = zoneOf(scope)
	}
	return &a.TCPAddr
}

// zoneOf is the name of the interface that a link-local address belongs to.
func zoneOf(scope uint32) string {
	if i, err := net.InterfaceByIndex(int(scope)); err == nil {
		return i.Name
	}
	return strconv.Itoa(int(scope))
}

// scopeOf is the number of the zone.
func scopeOf(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.Atoi(zone)
	return uint32(n)
}

// AddrOf makes an address of the package net of one of the kernel's.
func AddrOf(sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return tcpAddr(sa.Addr[:], sa.Port, 0)
	case *unix.SockaddrInet6:
		return tcpAddr(sa.Addr[:], sa.Port, sa.ZoneId)
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Net: "unix", Name: sa.Name}
	}
	return nil
}

// Sockaddr does the opposite, and says which family of sockets it takes.
func Sockaddr(a net.Addr) (sa unix.Sockaddr, family int) {
	switch a := a.(type) {
	case *net.TCPAddr:
		p := a.AddrPort()
		if p.Addr().Unmap().Is4() {
			return sockaddr4(p), unix.AF_INET
		}
		return &unix.SockaddrInet6{Port: a.Port, Addr: p.Addr().As16(), ZoneId: scopeOf(a.Zone)}, unix.AF_INET6
	case *net.UnixAddr:
		return &unix.SockaddrUnix{Name: a.Name}, unix.AF_UNIX
	}
	return nil, unix.AF_UNSPEC
}

func sockaddr4(p netip.AddrPort) unix.Sockaddr {
	return &unix.SockaddrInet4{Port: int(p.Port()), Addr: p.Addr().Unmap().As4()}
}
