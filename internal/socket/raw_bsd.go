//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package socket

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// An IO makes the calls of one goroutine.
type IO struct{ zones zones }

// Recv reads from fd. 0 without an error is the end of the stream.
func (*IO) Recv(fd int, p []byte) (int, syscall.Errno) {
	return result(unix.Read(fd, p))
}

// Send writes the slices, as far as the kernel takes them.
func (*IO) Send(fd int, ps [][]byte) (int, syscall.Errno) {
	return result(unix.SendmsgBuffers(fd, ps, nil, nil, unix.MSG_DONTWAIT))
}

// SendFile is not known here: sendfile(2) of each of these systems is another one.
func SendFile(_, _ int, _, _ int64) (int64, syscall.Errno) { return 0, syscall.ENOSYS }

// result makes EAGAIN of EINTR: the poller will report the socket again.
func result(n int, err error) (int, syscall.Errno) {
	if err == nil {
		return n, 0
	}
	e, _ := err.(syscall.Errno)
	if e == syscall.EINTR || e == 0 {
		e = syscall.EAGAIN
	}
	return 0, e
}

// Accept takes a connection from fd, non-blocking and closed on exec.
func (*IO) Accept(fd int, _ bool) (int, net.Addr, syscall.Errno) {
	conn, sa, err := unix.Accept(fd)
	if conn, e := result(conn, err); e != 0 {
		return conn, nil, e
	}
	unix.CloseOnExec(conn)
	if err := unix.SetNonblock(conn, true); err != nil {
		_ = unix.Close(conn)
		_, e := result(0, err)
		return -1, nil, e
	}
	return conn, AddrOf(sa), 0
}

// Local returns our own address of fd; nil if there is none.
func (*IO) Local(fd int) net.Addr {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil
	}
	return AddrOf(sa)
}
