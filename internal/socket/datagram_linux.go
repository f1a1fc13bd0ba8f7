package socket

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxPaths is how many paths of Unix peers are remembered, so that the next
// datagram of one makes no string.
const maxPaths = 64

// batch has what recvmmsg and sendmmsg need, so that no datagram allocates. Whoever
// has no datagram sockets has none.
type batch struct {
	msgs  [Batch]message
	iov   [Batch]unix.Iovec
	names [Batch]unix.RawSockaddrAny
	paths map[string]string
	zones zones
}

// A message is a struct mmsghdr.
type message struct {
	hdr unix.Msghdr
	n   uint32
}

func (io *IO) datagrams() *batch {
	if io.batch == nil {
		b := &batch{paths: make(map[string]string)}
		for i := range b.msgs {
			b.msgs[i].hdr.Iov = &b.iov[i]
			b.msgs[i].hdr.SetIovlen(1)
		}
		io.batch = b
	}
	return io.batch
}

// RecvDatagrams takes what has come, as many as there is room for in ms; fewer
// mean that nothing is left. Errors are told before datagrams that came later.
func (io *IO) RecvDatagrams(fd int, ms []Datagram) (int, syscall.Errno) {
	b := io.datagrams()
	ms = ms[:min(len(ms), Batch)]
	for i := range ms {
		b.iov[i].Base = unsafe.SliceData(ms[i].Data)
		b.iov[i].SetLen(len(ms[i].Data))
		b.msgs[i].hdr.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		b.msgs[i].hdr.Namelen = unix.SizeofSockaddrAny
	}
	got, _, e := syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&b.msgs)), uintptr(len(ms)), unix.MSG_DONTWAIT, 0, 0)
	n, e := result(got, e)
	for i := range ms[:n] {
		m := &b.msgs[i]
		ms[i].Data = ms[i].Data[:m.n]
		ms[i].Cut = m.hdr.Flags&unix.MSG_TRUNC != 0
		ms[i].Addr, ms[i].Path = b.from(i, m.hdr.Namelen)
	}
	return n, e
}

// from reads the address of the i-th message.
func (b *batch) from(i int, size uint32) (netip.AddrPort, string) {
	name := &b.names[i]
	if size < unix.SizeofSockaddrInet4 && name.Addr.Family != unix.AF_UNIX {
		return netip.AddrPort{}, ""
	}
	switch name.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(port(in.Port))), ""
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(name))
		a := netip.AddrFrom16(in.Addr).Unmap()
		if in.Scope_id != 0 {
			a = a.WithZone(b.zones.name(in.Scope_id))
		}
		return netip.AddrPortFrom(a, uint16(port(in.Port))), ""
	}
	un := (*unix.RawSockaddrUnix)(unsafe.Pointer(name))
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&un.Path)), len(un.Path))
	return netip.AddrPort{}, b.path(raw[:min(len(raw), max(0, int(size)-2))])
}

// path is pathOf with a memory.
func (b *batch) path(raw []byte) string {
	if len(raw) == 0 {
		return "" // it has bound none
	}
	if s, ok := b.paths[string(raw)]; ok {
		return s
	}
	if len(b.paths) == maxPaths {
		clear(b.paths)
	}
	s := pathOf(raw)
	b.paths[string(raw)] = s
	return s
}

// SendDatagrams sends as many of ms as the kernel takes. If that is none, the error
// is about the first, or about one that was sent before.
func (io *IO) SendDatagrams(fd int, ms []Datagram) (int, syscall.Errno) {
	b := io.datagrams()
	ms = ms[:min(len(ms), Batch)]
	for i := range ms {
		b.iov[i].Base = unsafe.SliceData(ms[i].Data)
		b.iov[i].SetLen(len(ms[i].Data))
		b.to(i, &ms[i])
	}
	n, _, e := syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&b.msgs)), uintptr(len(ms)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	for i := range ms {
		b.iov[i].Base = nil // it is the caller's
	}
	return result(n, e)
}

// to writes the address of the i-th message.
func (b *batch) to(i int, m *Datagram) {
	hdr := &b.msgs[i].hdr
	name := unsafe.Pointer(&b.names[i])
	hdr.Name = (*byte)(name)
	a := m.Addr.Addr()
	switch {
	case m.Path != "":
		hdr.Namelen = putPath((*unix.RawSockaddrUnix)(name), m.Path)
	case !a.IsValid():
		hdr.Name, hdr.Namelen = nil, 0
	case a.Is4():
		in := (*unix.RawSockaddrInet4)(name)
		*in = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: netPort(m.Addr.Port()), Addr: a.As4()}
		hdr.Namelen = unix.SizeofSockaddrInet4
	default:
		in := (*unix.RawSockaddrInet6)(name)
		*in = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: netPort(m.Addr.Port()), Addr: a.As16(), Scope_id: b.zones.number(a.Zone())}
		hdr.Namelen = unix.SizeofSockaddrInet6
	}
}

// putPath writes the name of a Unix socket, and returns the length of its address.
// One that does not fit is sent with the length that the kernel refuses (EINVAL).
func putPath(un *unix.RawSockaddrUnix, path string) uint32 {
	*un = unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	if len(path) >= len(un.Path) {
		return 1 << 20
	}
	for i := range len(path) {
		un.Path[i] = int8(path[i])
	}
	size := uint32(2 + len(path))
	if path[0] == '@' {
		un.Path[0] = 0
		return size
	}
	return size + 1
}

// netPort puts a port into network order.
func netPort(p uint16) (n uint16) {
	b := (*[2]byte)(unsafe.Pointer(&n))
	b[0], b[1] = byte(p>>8), byte(p)
	return n
}
