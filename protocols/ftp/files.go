package ftp

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// Files are what a session may see. Names are absolute, with slashes, as path.Clean
// leaves them: "/", "/pub/a.txt"; they hold no NUL, CR or LF, and name nothing outside.
//
// All methods may block: they are called on goroutines of the loop's pool, by several
// sessions at once. Errors are those of package io/fs (fs.ErrNotExist, fs.ErrExist,
// fs.ErrPermission), of system calls (syscall.ENOSPC), or ErrNotRegular, ErrNotFolder,
// ErrNotEmpty, ErrQuota; what else they say the client is not told.
type Files interface {
	// Stat describes a file or folder. A symlink is described as what it leads to.
	Stat(name string) (fs.FileInfo, error)

	// ReadDir calls each for what is in a folder, by name, until it returns false. A
	// symlink is described as itself: clients follow what is said to be a folder.
	ReadDir(name string, each func(fs.FileInfo) bool) error

	// Open opens a regular file for reading; ErrNotRegular if it is something else.
	Open(name string) (File, error)

	// Create begins a file that appears under its name, in place of one that is
	// there, when it is whole: at Commit. With unique it may not be there yet
	// (fs.ErrExist).
	Create(name string, unique bool) (Upload, error)

	// Append begins to write into the file itself, made if it is not there, from the
	// offset off on, or at its end if off is negative. What was written stays, also
	// without Commit.
	Append(name string, off int64) (Upload, error)

	// Remove removes a file, or a link.
	Remove(name string) error

	// RemoveDir removes an empty folder; ErrNotEmpty if it is none.
	RemoveDir(name string) error

	// Rename replaces the file that is called to, if there is one.
	Rename(from, to string) error

	Mkdir(name string) error
	Chmod(name string, mode fs.FileMode) error
	Chtimes(name string, modified time.Time) error
}

// A File is open for reading. If it is an *os.File it is sent by sendfile.
type File interface {
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// An Upload is a file that arrives.
type Upload interface {
	io.Writer

	// Commit has what was written be the file. Nothing is written afterwards.
	Commit() error

	// Close ends it, after Commit or without.
	Close() error
}

// Errors of Files, besides those of package io/fs.
var (
	ErrNotRegular = errors.New("ftp: not a regular file")
	ErrNotFolder  = errors.New("ftp: not a folder")
	ErrNotEmpty   = errors.New("ftp: folder is not empty")
	ErrQuota      = errors.New("ftp: quota exceeded")
)
