//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package socket

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// RecvDatagrams takes what has come, as many as there is room for in ms, up to an
// error, which the system tells only once; fewer without one mean that nothing is left.
func (io *IO) RecvDatagrams(fd int, ms []Datagram) (int, syscall.Errno) {
	for i := range ms {
		n, _, flags, from, err := unix.RecvmsgBuffers(fd, [][]byte{ms[i].Data}, nil, unix.MSG_DONTWAIT)
		n, e := result(n, err)
		if e != 0 {
			if i > 0 && e == syscall.EAGAIN {
				e = 0
			}
			return i, e
		}
		ms[i].Data = ms[i].Data[:n]
		ms[i].Cut = flags&unix.MSG_TRUNC != 0
		ms[i].Addr, ms[i].Path = io.from(from)
	}
	return len(ms), 0
}

func (io *IO) from(sa unix.Sockaddr) (netip.AddrPort, string) {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), ""
	case *unix.SockaddrInet6:
		a := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 {
			a = a.WithZone(io.zones.name(sa.ZoneId))
		}
		return netip.AddrPortFrom(a, uint16(sa.Port)), ""
	case *unix.SockaddrUnix:
		return netip.AddrPort{}, sa.Name
	}
	return netip.AddrPort{}, ""
}

// SendDatagrams sends as many of ms as the kernel takes. If that is none, the error
// is about the first, or about one that was sent before.
func (io *IO) SendDatagrams(fd int, ms []Datagram) (int, syscall.Errno) {
	for i := range ms {
		_, err := unix.SendmsgBuffers(fd, [][]byte{ms[i].Data}, nil, io.to(&ms[i]), unix.MSG_DONTWAIT)
		if _, e := result(0, err); e != 0 {
			if i > 0 {
				e = 0
			}
			return i, e
		}
	}
	return len(ms), 0
}

func (io *IO) to(m *Datagram) unix.Sockaddr {
	a := m.Addr.Addr()
	switch {
	case m.Path != "":
		return &unix.SockaddrUnix{Name: m.Path}
	case !a.IsValid():
		return nil
	case a.Is4():
		return sockaddr4(m.Addr)
	}
	return &unix.SockaddrInet6{Port: int(m.Addr.Port()), Addr: a.As16(), ZoneId: io.zones.number(a.Zone())}
}
