package ftp

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
)

// sortAtMost bounds the names that a listing holds.
const sortAtMost = 10_000

// openFolder opens a folder in the root. That the name ends in a dot has what stands
// there opened as a folder, or not at all: not even a pipe is waited for.
func openFolder(root *os.Root, rel string) (*os.Root, error) {
	return root.OpenRoot(rel + "/.")
}

// ReadDir calls each for what is in a folder. A link is described as itself: who removes a
// tree, or copies one, is not led out of it, nor round in circles.
func (r *Root) ReadDir(name string, each func(fs.FileInfo) bool) error {
	root, rel, err := r.at(name)
	if err != nil {
		return trouble("readdir", name, err)
	}
	info, err := root.Stat(rel)
	if err == nil && !info.IsDir() {
		err = ErrNotFolder
	}
	if err != nil {
		return trouble("readdir", name, err)
	}
	dir, err := openFolder(root, rel)
	if err != nil {
		return trouble("readdir", name, err)
	}
	defer dir.Close()
	return trouble("readdir", name, readRuns(dir, func(names []string) (bool, error) {
		names = slices.DeleteFunc(names, hidden)
		slices.Sort(names)
		for _, n := range names {
			info, err := dir.Lstat(n)
			switch {
			case errors.Is(err, fs.ErrNotExist): // removed meanwhile
			case errors.Is(err, fs.ErrPermission): // nobody is to see it; the others are listed
			case err != nil:
				return false, err
			case !each(withTarget(root, rel, dir, info)):
				return false, nil
			}
		}
		return true, nil
	}))
}

// A link is what describes a link, and says where it leads to, if a client may know.
type link struct {
	fs.FileInfo
	to string // as the link has it; empty if it leads out, or nobody knows
}

func (l link) target() string { return l.to }

// withTarget is info of what is in the folder dir, which is called rel in root. A target
// outside would tell of this machine: whether it is one, the root says as long as all is
// there that it names, and the name itself otherwise.
func withTarget(root *os.Root, rel string, dir *os.Root, info fs.FileInfo) fs.FileInfo {
	if info.Mode().Type() != fs.ModeSymlink {
		return info
	}
	to, err := dir.Readlink(info.Name())
	if err != nil || filepath.IsAbs(to) || !filepath.IsLocal(filepath.Join(rel, to)) {
		return link{info, ""}
	}
	if _, err = root.Stat(path.Join(rel, info.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return link{info, ""}
	}
	return link{info, to}
}

// readRuns calls run with some names after the others until it returns false.
func readRuns(dir *os.Root, run func(names []string) (bool, error)) error {
	f, err := dir.OpenFile(".", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		names, err := f.Readdirnames(sortAtMost)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		more, err := run(names)
		if err != nil || !more {
			return err
		}
	}
}

// syncFolder has the names in a folder written to the disk.
func syncFolder(dir *os.Root) error {
	if runtime.GOOS == "windows" { // does so by itself, and cannot be asked to
		return nil
	}
	f, err := dir.OpenFile(".", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
