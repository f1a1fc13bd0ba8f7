package ftp

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
)

// trouble is err as the interface has it, with the name that the client knows. It is nil
// if err is.
func trouble(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: plain(err)}
}

// renamed are the errors of system calls that the interface has a word for. That a file
// stands where a folder should, and links that go round in circles, both mean that there
// is nothing under this name.
var renamed = map[syscall.Errno]error{
	syscall.ENOTEMPTY: ErrNotEmpty,
	syscall.ENOTDIR:   fs.ErrNotExist,
	syscall.ELOOP:     fs.ErrNotExist,
	syscall.EISDIR:    ErrNotRegular,
	syscall.ENXIO:     ErrNotRegular, // a pipe that nobody reads, a socket
	syscall.EDQUOT:    ErrQuota,
}

// plain is the error without the paths on this machine.
func plain(err error) error {
	if _, ok := err.(*noFolder); ok {
		return err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		if word, ok := renamed[errno]; ok {
			return word
		}
		return errno
	}
	for _, word := range []error{
		ErrNotRegular, ErrNotEmpty, ErrQuota, ErrNotFolder,
		fs.ErrNotExist, fs.ErrExist, fs.ErrClosed, fs.ErrInvalid, io.ErrShortWrite,
	} {
		if errors.Is(err, word) {
			return word
		}
	}
	return fs.ErrPermission // os.Root says of itself only that a name leads outside
}
