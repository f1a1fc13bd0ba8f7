package ftp

import (
	"cmp"
	"io"
	"io/fs"
	"strconv"
	"syscall"
	"time"
)

// A nodeInfo describes a node as it was.
type nodeInfo struct {
	name     string
	size     int64
	mode     fs.FileMode
	modified time.Time
	serial   uint64
}

func (n *node) info(name string) fs.FileInfo {
	return &nodeInfo{name, int64(len(n.data)), n.mode, n.modified, n.serial}
}

func (i *nodeInfo) Name() string       { return i.name }
func (i *nodeInfo) Size() int64        { return i.size }
func (i *nodeInfo) Mode() fs.FileMode  { return i.mode }
func (i *nodeInfo) ModTime() time.Time { return i.modified }
func (i *nodeInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *nodeInfo) Sys() any           { return nil }
func (i *nodeInfo) unique() string     { return strconv.FormatUint(i.serial, 16) }

// A memoryFile is a node that is open for reading.
type memoryFile struct {
	m    *Memory
	n    *node
	base string
}

// Open opens a file for reading.
func (m *Memory) Open(name string) (f File, err error) {
	err = m.use("open", name, func(_, n *node, base string) error {
		switch {
		case n == nil:
			return fs.ErrNotExist
		case !n.mode.IsRegular():
			return ErrNotRegular
		}
		f = &memoryFile{m, n, base}
		return nil
	})
	return f, err
}

func (f *memoryFile) ReadAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if off < 0 {
		return 0, trouble("read", f.base, fs.ErrInvalid)
	}
	n := copy(b, f.n.data[min(off, int64(len(f.n.data))):])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) Stat() (fs.FileInfo, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.n.info(f.base), nil
}

func (f *memoryFile) Close() error { return nil }

// A memoryUpload is a file that is nobody's child yet, or is written in place.
type memoryUpload struct {
	m      *Memory
	name   string
	unique bool
	n      *node
	offset int64 // where the next byte goes; the end if negative
	inside bool  // n is written in place
	done   bool  // by Commit or Close
	err    error // of the first Write that failed
}

// Create begins a file.
func (m *Memory) Create(name string, unique bool) (u Upload, err error) {
	err = m.use("create", name, func(_, n *node, _ string) error {
		mode := fs.FileMode(0o644)
		switch {
		case n == nil:
		case !n.mode.IsRegular() && !unique:
			return ErrNotRegular
		case unique:
			return fs.ErrExist
		default:
			mode = n.mode
		}
		u = &memoryUpload{m: m, name: name, unique: unique, n: m.make(mode), offset: -1}
		return nil
	})
	return u, err
}

// Append begins to write into a file.
func (m *Memory) Append(name string, off int64) (u Upload, err error) {
	err = m.use("append", name, func(parent, n *node, base string) error {
		switch {
		case n == nil && off > 0:
			return fs.ErrNotExist
		case n == nil:
			n = m.make(0o644)
			if err := m.link(parent, base, n); err != nil {
				return err
			}
		case !n.mode.IsRegular():
			return ErrNotRegular
		case off > int64(len(n.data)):
			return syscall.EINVAL
		}
		u = &memoryUpload{m: m, name: name, n: n, offset: off, inside: true}
		return nil
	})
	return u, err
}

func (u *memoryUpload) Write(b []byte) (int, error) {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	err := u.write(b)
	if err != nil {
		u.err = cmp.Or(u.err, err)
		return 0, trouble("write", u.name, err)
	}
	return len(b), nil
}

// write is all or nothing.
func (u *memoryUpload) write(b []byte) error {
	n := u.n
	at := u.offset
	if at < 0 {
		at = int64(len(n.data))
	}
	grows := max(0, at+int64(len(b))-int64(len(n.data)))
	switch {
	case u.done:
		return fs.ErrClosed
	case n.removed || at > int64(len(n.data)):
		return fs.ErrNotExist
	case grows > 0 && u.m.bytes+grows > cmp.Or(u.m.MaxBytes, memoryBytes):
		return ErrQuota
	}
	over := copy(n.data[at:], b)
	n.data = append(n.data, b[over:]...)
	n.modified = u.m.now()
	u.m.bytes += grows
	if u.offset >= 0 {
		u.offset += int64(len(b))
	}
	return nil
}

// Commit gives a new file its name.
func (u *memoryUpload) Commit() error {
	return u.m.use("commit", u.name, func(parent, there *node, base string) error {
		switch {
		case u.done:
			return fs.ErrClosed
		case u.err != nil:
			return u.err
		case u.inside:
			u.done = true
			return nil
		case there != nil && (u.unique || there.mode.IsDir()):
			return fs.ErrExist
		}
		u.m.unlink(parent, base)
		if err := u.m.link(parent, base, u.n); err != nil {
			return err
		}
		u.done = true
		return nil
	})
}

// Close forgets what has no name.
func (u *memoryUpload) Close() error {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	if !u.done && !u.inside {
		u.m.bytes -= int64(len(u.n.data))
		u.n.data = nil
	}
	u.done = true
	return nil
}
