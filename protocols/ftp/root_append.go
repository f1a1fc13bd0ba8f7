package ftp

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// A rootAppend writes into a file itself.
type rootAppend struct {
	root *Root
	name string // as the client says it

	file   *os.File // nil after Close
	offset int64    // where the next byte goes; at the end if the file grows by each
	size   int64    // of the file, as far as this upload knows
	atEnd  bool     // whatever others write, too
	err    error    // of the first Write that failed
}

// Append begins to write into a file.
func (r *Root) Append(name string, off int64) (Upload, error) {
	u, err := r.append(name, off)
	if err != nil {
		return nil, trouble("append", name, err)
	}
	return u, nil
}

func (r *Root) append(name string, off int64) (*rootAppend, error) {
	root, rel, err := r.at(name)
	if err != nil {
		return nil, err
	}
	flag := os.O_WRONLY | os.O_CREATE
	if off < 0 {
		flag |= os.O_APPEND
	} else if off > 0 {
		flag = os.O_WRONLY // what is not there has no such offset
	}
	file, err := r.openOrMake(root, rel, flag)
	if err != nil {
		return nil, err
	}
	u := &rootAppend{root: r, name: name, file: file, offset: off, atEnd: off < 0}
	if err := u.seek(); err != nil {
		file.Close()
		return nil, err
	}
	return u, nil
}

// openOrMake opens a file, and counts it if it is new.
func (r *Root) openOrMake(root *os.Root, rel string, flag int) (file *os.File, err error) {
	open := func() (err error) {
		file, err = openRegular(root, rel, flag)
		return err
	}
	if flag&os.O_CREATE != 0 && r.limits() {
		if _, err := root.Stat(rel); errors.Is(err, fs.ErrNotExist) {
			err = r.adding(open)
			return file, err
		}
	}
	err = open()
	return file, err
}

// seek goes to the offset, which is not behind the end: what would lie between counts
// towards the size, and nobody has sent it.
func (u *rootAppend) seek() error {
	info, err := u.file.Stat()
	if err != nil || u.atEnd {
		return err
	}
	if u.size = info.Size(); u.offset > u.size {
		return syscall.EINVAL
	}
	_, err = u.file.Seek(u.offset, io.SeekStart)
	return err
}

func (u *rootAppend) Write(b []byte) (int, error) {
	if u.file == nil {
		return 0, trouble("write", u.name, fs.ErrClosed)
	}
	grows := int64(len(b))
	if !u.atEnd {
		grows = max(0, u.offset+grows-u.size)
	}
	n, err := u.root.counted(u.file, b, grows)
	u.offset += int64(n)
	u.size = max(u.size, u.offset)
	if err != nil && u.err == nil {
		u.err = err
	}
	return n, trouble("write", u.name, err)
}

// Commit has the file on the disk, if Root.Sync says so.
func (u *rootAppend) Commit() error {
	if u.file == nil {
		return trouble("commit", u.name, fs.ErrClosed)
	}
	err := u.err
	if err == nil && u.root.Sync {
		err = u.file.Sync()
	}
	if e := u.Close(); err == nil {
		err = e
	}
	if err == nil && u.root.Sync {
		err = u.root.syncParent(u.name)
	}
	return trouble("commit", u.name, err)
}

// syncParent has the name of a file written to the disk.
func (r *Root) syncParent(name string) error {
	root, rel, err := r.at(name)
	if err != nil {
		return err
	}
	dir, err := openFolder(root, path.Dir(rel))
	if err != nil {
		return err
	}
	defer dir.Close()
	return syncFolder(dir)
}

func (u *rootAppend) Close() error {
	if u.file == nil {
		return nil
	}
	file := u.file
	u.file = nil
	return trouble("close", u.name, file.Close())
}
