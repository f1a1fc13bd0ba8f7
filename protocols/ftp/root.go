package ftp

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Root is the Files of a folder of this machine. Only Dir is needed; the fields may not
// change once it is in use. All sessions that use a folder share one Root, so that they
// share its quota.
//
// No name and no link leads out of Dir: os.Root sees to it. A link that stays inside is
// followed, one that does not is fs.ErrPermission. Listings show links as links, so that
// who removes a tree does not remove what they lead to. Nothing but regular files is opened,
// so that a pipe or a device that stands there neither blocks nor is touched. Names are
// taken as they are, bytes that are no UTF-8 and dots in front included.
//
// An upload is written aside, to a file .torsion- and 32 digits beside its target, and
// renamed at Commit: whatever ends the program, there is no half file under the name of a
// whole one. Names that begin so belong to Root: they are not listed, and
// fs.ErrPermission if somebody says one. What a killed program has left of them, or one that
// has ended before its uploads had (DrainTimeout of package reactor), is removed when nobody
// has written to it for a day, by the next upload into that folder.
// New files are 0644 and folders 0755, less the umask; a file that replaces another has
// the mode of that. A link is replaced itself, not what it leads to.
//
// Append writes into the file, and leaves behind the end of what it writes what was
// there. An offset behind the end of the file is syscall.EINVAL.
//
// ReadDir sorts up to 10,000 names; a larger folder comes in sorted runs of as many.
//
// Errors name files as the client does. Only those of a File that is open, and of OpenDir,
// have the path on this machine.
type Root struct {
	// Dir is the folder. It is opened once, at first use: should it be renamed then,
	// the Root goes with it.
	Dir string

	// Quota is how many bytes all files together may have; 0 is no limit. They are
	// counted at the first upload or Mkdir, which waits for that, by looking at each, and
	// then as they change; when they are too many they are counted again, once a minute at
	// most, since other programs may have removed some. Who finds no room while that goes
	// on is told syscall.EBUSY. A count that fails leaves what was known before. A file
	// with two names counts twice, one that replaces another counts beside it until
	// Commit, and so may what is uploaded, moved or removed during a count, until the
	// next. Folders are not renamed meanwhile, nor more than a thousand files:
	// syscall.EBUSY.
	Quota int64

	// MaxEntries is how many files and folders there may be, uploads that are under way
	// included: one more is ErrQuota. A million if 0 and there is a Quota; no limit if
	// there is none. Where there are more than a million, and than this, they are not
	// counted to the end, and all writes are ErrQuota.
	MaxEntries int

	// Sync has Commit return only when the file and its name are on the disk (fsync).
	// Without it they survive the end of the program, but perhaps not of the machine.
	Sync bool

	mu     sync.Mutex
	root   *os.Root             // nil until first use
	closed bool                 // by Close, for good
	swept  map[string]time.Time // folders, and when what was left there was last removed

	used quota
}

// OpenDir opens Dir. The first use does that, too: a program that calls this first finds
// out earlier that it cannot.
func (r *Root) OpenDir() error {
	_, err := r.open()
	if e, ok := err.(*noFolder); ok {
		return e.error
	}
	return err
}

func (r *Root) open() (*os.Root, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fs.ErrClosed
	}
	if r.root == nil {
		if r.Dir == "" {
			return nil, &noFolder{errRootDir}
		}
		root, err := os.OpenRoot(r.Dir)
		if err != nil {
			return nil, &noFolder{err}
		}
		r.root = root
	}
	return r.root, nil
}

// Close ends the use of Dir: whoever comes later is told fs.ErrClosed. Files and uploads
// that are open stay so. A Root that nobody refers to any more need not be closed.
func (r *Root) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.root == nil {
		return nil
	}
	root := r.root
	r.root = nil
	return root.Close()
}

// A noFolder is why Dir cannot be opened. It says nothing of what a client has asked for,
// so it is no fs.ErrNotExist: that is for clients, and this for who runs the server.
type noFolder struct{ error }

func (e *noFolder) Error() string {
	if e.error == errRootDir {
		return errRootDir.Error()
	}
	return "the Root's Dir: " + plain(e.error).Error()
}

var errRootDir = errors.New("ftp: a Root needs a Dir")

// absolute reports whether name is one as Files are given them.
func absolute(name string) bool {
	return strings.HasPrefix(name, "/") && path.Clean(name) == name
}

// at returns the root, and name as it is called in there.
func (r *Root) at(name string) (root *os.Root, rel string, err error) {
	switch {
	case !absolute(name):
		return nil, "", fs.ErrInvalid
	case slices.ContainsFunc(strings.Split(name, "/"), hidden):
		return nil, "", fs.ErrPermission
	}
	root, err = r.open()
	if name == "/" {
		return root, ".", err
	}
	return root, name[1:], err
}

// Stat describes a file or folder.
func (r *Root) Stat(name string) (fs.FileInfo, error) {
	root, rel, err := r.at(name)
	if err != nil {
		return nil, trouble("stat", name, err)
	}
	info, err := root.Stat(rel)
	if err != nil {
		return nil, trouble("stat", name, err)
	}
	if name == "/" {
		info = top{info}
	}
	return info, nil
}

// top is what describes the folder itself.
type top struct{ fs.FileInfo }

func (top) Name() string { return "/" }

// Open opens a regular file for reading.
func (r *Root) Open(name string) (File, error) {
	root, rel, err := r.at(name)
	if err != nil {
		return nil, trouble("open", name, err)
	}
	file, err := openRegular(root, rel, os.O_RDONLY)
	if err != nil {
		return nil, trouble("open", name, err)
	}
	return file, nil
}

// openRegular opens a file that is regular, or is made. It looks before it opens, since
// some devices do something when they are opened; and afterwards, since the file may have
// become another, for which it has not waited.
func openRegular(root *os.Root, rel string, flag int) (*os.File, error) {
	info, err := root.Stat(rel)
	if err != nil && (flag&os.O_CREATE == 0 || !errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	file, err := root.OpenFile(rel, flag|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, err
	}
	info, err = file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
