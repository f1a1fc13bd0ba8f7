package ftp

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// aside begins the names of uploads that are no files yet.
const aside = ".torsion-"

// hidden reports whether a name is kept for uploads, on file systems that care for the
// case of letters and those that do not.
func hidden(name string) bool {
	return len(name) >= len(aside) && strings.EqualFold(name[:len(aside)], aside)
}

// asideName is one that nobody has.
func asideName() string {
	var random [16]byte
	rand.Read(random[:])
	return aside + hex.EncodeToString(random[:])
}

// isAside reports whether name is one that asideName may have made.
func isAside(name string) bool {
	digits, ok := strings.CutPrefix(name, aside)
	random, err := hex.DecodeString(digits)
	return ok && err == nil && len(random) == 16
}

// A rootUpload is a file that is written aside. It works in its folder, wherever that is
// moved meanwhile.
//
//	Create --> Write... --> Commit --> Close
//	                  \---------------/
type rootUpload struct {
	root   *Root
	dir    *os.Root
	name   string // as the client says it
	base   string // its last part
	unique bool

	file  *os.File // nil after Commit or Close
	aside string   // its name; empty once it has its own
	size  int64    // what was written, and counted
	err   error    // of the first Write that failed: it is not whole then
}

// Create begins a file.
func (r *Root) Create(name string, unique bool) (Upload, error) {
	u, err := r.create(name, unique)
	if err != nil {
		return nil, trouble("create", name, err)
	}
	return u, nil
}

func (r *Root) create(name string, unique bool) (*rootUpload, error) {
	root, rel, err := r.at(name)
	if err != nil {
		return nil, err
	}
	dir, err := openFolder(root, path.Dir(rel))
	if err != nil {
		return nil, err
	}
	u := &rootUpload{root: r, dir: dir, name: name, base: path.Base(rel), unique: unique}
	if err := u.begin(root, rel); err != nil {
		u.Close()
		return nil, err
	}
	return u, nil
}

// begin makes the file, with the mode of the one that it will replace.
func (u *rootUpload) begin(root *os.Root, rel string) error {
	replaced, err := u.replaceable(root, rel)
	if err != nil {
		return err
	}
	u.root.sweep(u.dir, path.Dir(rel))
	name := asideName()
	// Nothing waits for a regular file, but without O_NONBLOCK package os tries.
	err = u.root.adding(func() (err error) {
		u.file, err = u.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NONBLOCK, 0o644)
		return err
	})
	if err != nil {
		return err
	}
	u.aside = name
	if replaced != nil {
		return u.file.Chmod(replaced.Mode().Perm())
	}
	return nil
}

// replaceable describes the file that would be replaced; nil if there is none. A link
// that leads nowhere, or outside, is replaced as well, but has no mode to keep.
func (u *rootUpload) replaceable(root *os.Root, rel string) (fs.FileInfo, error) {
	info, err := u.dir.Lstat(u.base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && u.unique {
		err = fs.ErrExist
	}
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if info, err = root.Stat(rel); err != nil {
			return nil, nil
		}
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	return info, nil
}

func (u *rootUpload) Write(b []byte) (int, error) {
	if u.file == nil {
		return 0, trouble("write", u.name, fs.ErrClosed)
	}
	n, err := u.root.counted(u.file, b, int64(len(b)))
	u.size += int64(n)
	if err != nil && u.err == nil {
		u.err = err
	}
	return n, trouble("write", u.name, err)
}

// Commit gives the file its name. After an error of it there is a file under that name
// only if its folder could not be written to the disk.
func (u *rootUpload) Commit() error {
	if u.file == nil {
		return trouble("commit", u.name, fs.ErrClosed)
	}
	return trouble("commit", u.name, u.commit())
}

func (u *rootUpload) commit() error {
	err := u.err
	if err == nil && u.root.Sync {
		err = u.file.Sync()
	}
	// Some file systems say only here that there was no room.
	if e := u.file.Close(); err == nil {
		err = e
	}
	u.file = nil
	if err == nil {
		err = u.root.changing(u.appear)
	}
	if err == nil && u.root.Sync {
		err = syncFolder(u.dir)
	}
	return err
}

// appear puts the file under its name, in place of the one that has it. A link, unlike a
// rename, never replaces one.
func (u *rootUpload) appear() (did change, err error) {
	if u.root.used.isCounting() {
		if did.moved.info, err = u.dir.Lstat(u.aside); err != nil {
			return did, err
		}
		did.moved.name = u.name[1:]
	}
	if u.unique {
		if err := u.dir.Link(u.aside, u.base); err != nil {
			return did, err
		}
		_ = u.dir.Remove(u.aside) // or else a sweep will
	} else {
		if u.root.limits() {
			did.freed = u.replaces()
		}
		if err := u.dir.Rename(u.aside, u.base); err != nil {
			return did, err
		}
	}
	u.aside = ""
	return did, nil
}

// replaces returns what the file counts that has the name.
func (u *rootUpload) replaces() tally {
	info, err := u.dir.Lstat(u.base)
	if err != nil {
		return tally{}
	}
	return tallyOf(info)
}

// Close removes what has not got its name.
func (u *rootUpload) Close() error {
	if u.file != nil {
		u.file.Close()
		u.file = nil
	}
	var err error
	if u.aside != "" {
		err = u.root.changing(func() (change, error) {
			return change{freed: tally{u.size, 1}}, u.dir.Remove(u.aside)
		})
		u.aside = ""
	}
	u.dir.Close()
	return trouble("close", u.name, err)
}
