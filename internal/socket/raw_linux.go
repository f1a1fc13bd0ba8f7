package socket

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An IO has what the calls need besides their arguments, so that none of them
// allocates. It belongs to one goroutine.
type IO struct {
	iov  [64]unix.Iovec
	hdr  unix.Msghdr
	addr unix.RawSockaddrAny

	batch *batch // of datagrams; nil until there are any
}

// Recv reads from fd. 0 without an error is the end of the stream.
func (*IO) Recv(fd int, p []byte) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	return result(n, e)
}

// Send writes the slices, at most 64 of them, as far as the kernel takes them.
func (io *IO) Send(fd int, ps [][]byte) (int, syscall.Errno) {
	const flags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	if len(ps) == 1 {
		p := ps[0]
		n, _, e := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
		return result(n, e)
	}
	ps = ps[:min(len(ps), len(io.iov))]
	for i, p := range ps {
		io.iov[i].Base = unsafe.SliceData(p)
		io.iov[i].SetLen(len(p))
	}
	io.hdr.Iov = &io.iov[0]
	io.hdr.SetIovlen(len(ps))
	n, _, e := syscall.RawSyscall6(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&io.hdr)), flags, 0, 0, 0)
	clear(io.iov[:len(ps)])
	return result(n, e)
}

// SendFile sends up to n bytes of the file in from off on. 0 without an error is
// the end of the file. It may wait for a disk.
func SendFile(fd, in int, off, n int64) (int64, syscall.Errno) {
	for {
		sent, err := unix.Sendfile(fd, in, &off, int(n))
		if err != unix.EINTR {
			e, _ := err.(syscall.Errno)
			return int64(max(0, sent)), e
		}
	}
}

// result makes EAGAIN of EINTR: the poller will report the socket again.
func result(n uintptr, e syscall.Errno) (int, syscall.Errno) {
	switch e {
	case 0:
		return int(n), 0
	case syscall.EINTR:
		return 0, syscall.EAGAIN
	}
	return 0, e
}

// Accept takes a connection from fd, non-blocking and closed on exec. If fd may
// block, because it is shared with others who have made it so, shared must be true.
func (io *IO) Accept(fd int, shared bool) (int, net.Addr, syscall.Errno) {
	call := syscall.RawSyscall6
	if shared {
		call = syscall.Syscall6
	}
	size := uint32(unix.SizeofSockaddrAny)
	n, _, e := call(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&io.addr)),
		uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	conn, e := result(n, e)
	if e != 0 {
		return -1, nil, e
	}
	return conn, addrOf(&io.addr, size), 0
}

// Local returns our own address of fd; nil if there is none.
func (io *IO) Local(fd int) net.Addr {
	size := uint32(unix.SizeofSockaddrAny)
	_, _, e := syscall.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(&io.addr)), uintptr(unsafe.Pointer(&size)))
	if e != 0 {
		return nil
	}
	return addrOf(&io.addr, size)
}

// addrOf makes one allocation of an address.
func addrOf(a *unix.RawSockaddrAny, size uint32) net.Addr {
	switch a.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(a))
		return tcpAddr(in.Addr[:], port(in.Port), 0)
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(a))
		return tcpAddr(in.Addr[:], port(in.Port), in.Scope_id)
	}
	un := (*unix.RawSockaddrUnix)(unsafe.Pointer(a))
	path := unsafe.Slice((*byte)(unsafe.Pointer(&un.Path)), len(un.Path))
	return &net.UnixAddr{Net: "unix", Name: pathOf(path[:min(len(path), max(0, int(size)-2))])}
}

// pathOf reads the name of a Unix socket: it ends at a NUL, but one that begins
// with it is abstract, and is written with an @.
func pathOf(p []byte) string {
	if len(p) == 0 {
		return ""
	}
	abstract := p[0] == 0
	for i := 1; i < len(p) && !abstract; i++ {
		if p[i] == 0 {
			p = p[:i]
		}
	}
	if abstract && len(p) > 1 {
		return "@" + string(p[1:])
	}
	if abstract {
		return ""
	}
	return string(p)
}

// port is in network order.
func port(p uint16) int {
	b := (*[2]byte)(unsafe.Pointer(&p))
	return int(b[0])<<8 | int(b[1])
}
