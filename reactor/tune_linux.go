package reactor

import (
	"os"

	"golang.org/x/sys/unix"
)

// balances says that the kernel spreads connections over sockets with SO_REUSEPORT.
const balances = true

// openSocket returns a stream socket that does not block and is closed on exec.
func openSocket(family int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	return fd, os.NewSyscallError("socket", err)
}
