package ftp

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// change calls f for a name that is not of the folder itself.
func (r *Root) change(op, name string, f func(root *os.Root, rel string) error) error {
	root, rel, err := r.at(name)
	if err == nil && name == "/" {
		err = fs.ErrPermission
	}
	if err == nil {
		err = f(root, rel)
	}
	return trouble(op, name, err)
}

// Remove removes a file, or a link, also one that leads to a folder.
func (r *Root) Remove(name string) error {
	return r.change("remove", name, func(root *os.Root, rel string) error {
		return r.changing(func() (change, error) {
			info, err := root.Lstat(rel)
			if err == nil && info.IsDir() {
				err = ErrNotRegular
			}
			if err != nil {
				return change{}, err
			}
			return change{freed: tallyOf(info)}, root.Remove(rel)
		})
	})
}

// RemoveDir removes an empty folder, but no link to one.
func (r *Root) RemoveDir(name string) error {
	return r.change("rmdir", name, func(root *os.Root, rel string) error {
		info, err := root.Lstat(rel)
		if err == nil && !info.IsDir() {
			err = ErrNotFolder
		}
		if err != nil {
			return err
		}
		remove := func() (change, error) { return change{freed: tally{entries: 1}}, root.Remove(rel) }
		err = r.changing(remove)
		if notEmpty(err) && r.sweepAt(root, rel) {
			err = r.changing(remove)
		}
		if notEmpty(err) {
			return ErrNotEmpty
		}
		return err
	})
}

// notEmpty reports whether a folder could not be removed because of what is in it.
// POSIX leaves systems the choice between the two.
func notEmpty(err error) bool {
	return errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST)
}

// Rename gives a file, folder or link another name. A folder replaces nothing, and
// nothing replaces a folder: fs.ErrExist. Nor can it be moved into itself:
// syscall.EINVAL; nor while files are counted: syscall.EBUSY, which also a file may be
// then that has two names, or when a thousand others were moved.
func (r *Root) Rename(from, to string) error {
	return r.change("rename", from, func(root *os.Root, oldRel string) error {
		return r.change("rename", to, func(_ *os.Root, newRel string) error {
			return r.changing(func() (change, error) { return r.rename(root, oldRel, newRel) })
		})
	})
}

func (r *Root) rename(root *os.Root, from, to string) (did change, err error) {
	old, err := root.Lstat(from)
	switch {
	case err != nil || from == to:
		return did, err
	case strings.HasPrefix(to, from+"/"):
		return did, syscall.EINVAL
	case r.used.stays(from, old):
		return did, syscall.EBUSY
	}
	there, err := root.Stat(to)
	replaces := err == nil && !os.SameFile(old, there) // only letters' case may change
	if replaces && (there.IsDir() || old.IsDir()) {
		return did, fs.ErrExist
	}
	if replaced, err := root.Lstat(to); err == nil && replaces {
		did.freed = tallyOf(replaced)
	}
	did.moved = move{old, to}
	return did, root.Rename(from, to)
}

// Mkdir makes a folder, in one that is there.
func (r *Root) Mkdir(name string) error {
	root, rel, err := r.at(name)
	if err == nil {
		_, err = root.Lstat(rel)
		if err == nil { // whether there is room or not
			return trouble("mkdir", name, fs.ErrExist)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = r.adding(func() error { return root.Mkdir(rel, 0o755) })
	}
	return trouble("mkdir", name, err)
}

// Chmod sets the nine bits of the mode that say who may do what; others are not set, nor
// kept.
func (r *Root) Chmod(name string, mode fs.FileMode) error {
	return r.change("chmod", name, func(root *os.Root, rel string) error {
		return root.Chmod(rel, mode.Perm())
	})
}

// Chtimes sets when a file or folder was modified, and leaves when it was read. Systems
// are told a count of nanoseconds, which has no times before 1678 or after 2262:
// syscall.EINVAL.
func (r *Root) Chtimes(name string, modified time.Time) error {
	return r.change("chtimes", name, func(root *os.Root, rel string) error {
		if !time.Unix(0, modified.UnixNano()).Equal(modified) {
			return syscall.EINVAL
		}
		return root.Chtimes(rel, time.Time{}, modified)
	})
}
