//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package reactor

import (
	"os"

	"golang.org/x/sys/unix"
)

// balances says that the kernel spreads connections over sockets with SO_REUSEPORT.
// Here the one that listened last would get them all.
const balances = false

// openSocket returns a stream socket that does not block and is closed on exec.
func openSocket(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		closeAll(fd)
		return -1, os.NewSyscallError("fcntl", err)
	}
	return fd, nil
}
