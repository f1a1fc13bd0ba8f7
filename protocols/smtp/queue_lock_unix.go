//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp

import (
	"os"
	"syscall"
)

// lockFile locks it until it is closed, or the process ends.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
