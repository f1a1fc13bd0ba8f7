//go:build unix

package ftp

import (
	"io/fs"
	"syscall"
)

// identity is the device and the inode of a file.
func identity(info fs.FileInfo) (device, file uint64, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return uint64(stat.Dev), uint64(stat.Ino), true
}
