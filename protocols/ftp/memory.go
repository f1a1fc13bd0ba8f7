package ftp

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	memoryBytes   = 64 << 20
	memoryEntries = 10_000
)

// A Memory is Files that are nowhere else, for tests and examples. Its zero value is an
// empty folder, ready to be used by any number of goroutines; the fields may not change
// once it is in use. What Root says of Append, Rename and Chmod is so here, too; there
// are no links.
type Memory struct {
	MaxBytes   int64            // of all files and uploads: 64 MiB if 0; more is ErrQuota
	MaxEntries int              // files and folders: 10,000 if 0; more is ErrQuota
	Now        func() time.Time // when files are modified: time.Now if nil

	mu      sync.Mutex
	top     *node // nil until first use
	entries int
	bytes   int64
	serial  uint64 // of the last node
}

// A node is a file or a folder. Those who have opened a file keep it when another gets
// its name.
type node struct {
	mode     fs.FileMode
	modified time.Time
	serial   uint64

	data     []byte           // a file's
	children map[string]*node // a folder's
	removed  bool             // nobody's child any more; its bytes are not counted
}

// use locks m, and calls f with what name stands for; nil if there is nothing.
func (m *Memory) use(op, name string, f func(parent, n *node, base string) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !absolute(name) {
		return trouble(op, name, fs.ErrInvalid)
	}
	if m.top == nil {
		m.top = m.make(fs.ModeDir | 0o755)
	}
	parent, n := m.find(name)
	if parent == nil && name != "/" {
		return trouble(op, name, fs.ErrNotExist)
	}
	return trouble(op, name, f(parent, n, path.Base(name)))
}

func (m *Memory) make(mode fs.FileMode) *node {
	m.serial++
	n := &node{mode: mode, modified: m.now(), serial: m.serial}
	if mode.IsDir() {
		n.children = make(map[string]*node)
	}
	return n
}

func (m *Memory) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

// find returns a node and its folder. Without a folder there is neither.
func (m *Memory) find(name string) (parent, n *node) {
	if name == "/" {
		return nil, m.top
	}
	dir, base := path.Split(name)
	parent = m.top
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if part != "" && parent != nil {
			parent = parent.children[part]
		}
	}
	if parent == nil || !parent.mode.IsDir() {
		return nil, nil
	}
	return parent, parent.children[base]
}

// Stat describes a file or folder.
func (m *Memory) Stat(name string) (info fs.FileInfo, err error) {
	err = m.use("stat", name, func(_, n *node, base string) error {
		if n == nil {
			return fs.ErrNotExist
		}
		info = n.info(base)
		return nil
	})
	return info, err
}

// ReadDir calls each for what was in a folder when it began.
func (m *Memory) ReadDir(name string, each func(fs.FileInfo) bool) error {
	var all []fs.FileInfo
	err := m.use("readdir", name, func(_, n *node, _ string) error {
		switch {
		case n == nil:
			return fs.ErrNotExist
		case !n.mode.IsDir():
			return ErrNotFolder
		}
		for base, child := range n.children {
			all = append(all, child.info(base))
		}
		return nil
	})
	slices.SortFunc(all, func(a, b fs.FileInfo) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, info := range all {
		if !each(info) {
			break
		}
	}
	return err
}

// Remove removes a file.
func (m *Memory) Remove(name string) error {
	return m.use("remove", name, func(parent, n *node, base string) error {
		switch {
		case n == nil:
			return fs.ErrNotExist
		case n == m.top:
			return fs.ErrPermission
		case n.mode.IsDir():
			return ErrNotRegular
		}
		m.unlink(parent, base)
		return nil
	})
}

// RemoveDir removes an empty folder.
func (m *Memory) RemoveDir(name string) error {
	return m.use("rmdir", name, func(parent, n *node, base string) error {
		switch {
		case n == nil:
			return fs.ErrNotExist
		case n == m.top:
			return fs.ErrPermission
		case !n.mode.IsDir():
			return ErrNotFolder
		case len(n.children) > 0:
			return ErrNotEmpty
		}
		m.unlink(parent, base)
		return nil
	})
}

// Rename gives a file or folder another name.
func (m *Memory) Rename(from, to string) error {
	if !absolute(to) {
		return trouble("rename", to, fs.ErrInvalid)
	}
	return m.use("rename", from, func(parent, n *node, base string) error {
		newParent, there := m.find(to)
		switch {
		case n == nil:
			return fs.ErrNotExist
		case n == m.top || to == "/":
			return fs.ErrPermission
		case n == there:
			return nil
		case strings.HasPrefix(to, from+"/"):
			return syscall.EINVAL
		case newParent == nil:
			return fs.ErrNotExist
		case there != nil && (there.mode.IsDir() || n.mode.IsDir()):
			return fs.ErrExist
		}
		delete(parent.children, base)
		m.unlink(newParent, path.Base(to))
		newParent.children[path.Base(to)] = n
		return nil
	})
}

// unlink takes a name away, if it is there.
func (m *Memory) unlink(parent *node, base string) {
	if n := parent.children[base]; n != nil {
		delete(parent.children, base)
		n.removed = true
		m.bytes -= int64(len(n.data))
		m.entries--
	}
}

// link gives a node a name that nobody has.
func (m *Memory) link(parent *node, base string, n *node) error {
	if m.entries >= cmp.Or(m.MaxEntries, memoryEntries) {
		return ErrQuota
	}
	parent.children[base] = n
	m.entries++
	return nil
}

// Mkdir makes a folder, in one that is there.
func (m *Memory) Mkdir(name string) error {
	return m.use("mkdir", name, func(parent, n *node, base string) error {
		if n != nil {
			return fs.ErrExist
		}
		return m.link(parent, base, m.make(fs.ModeDir|0o755))
	})
}

// Chmod sets the nine bits of the mode that say who may do what. Nobody minds them.
func (m *Memory) Chmod(name string, mode fs.FileMode) error {
	return m.set("chmod", name, func(n *node) { n.mode = n.mode.Type() | mode.Perm() })
}

// Chtimes sets when a file or folder was modified.
func (m *Memory) Chtimes(name string, modified time.Time) error {
	return m.set("chtimes", name, func(n *node) { n.modified = modified })
}

func (m *Memory) set(op, name string, f func(n *node)) error {
	return m.use(op, name, func(_, n *node, _ string) error {
		switch n {
		case nil:
			return fs.ErrNotExist
		case m.top:
			return fs.ErrPermission
		}
		f(n)
		return nil
	})
}
