package ftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// upload is Upload.
func (m *mirroring) upload() error {
	root, err := os.OpenRoot(m.Local)
	if err != nil {
		return err
	}
	defer root.Close()
	if m.Remote != "" {
		if err := m.talk.mkdirAll(m.Remote); err != nil {
			return err
		}
	}
	l, err := m.talk.list(m.Remote)
	if err != nil {
		return err
	}
	return m.storeAll(root, m.Remote, "", l, 1)
}

// storeAll stores what is in a folder. l is what is there already.
func (m *mirroring) storeAll(root *os.Root, folder, short string, l Listing, depth int) error {
	names, err := m.names(root)
	if err != nil {
		return err
	}
	there := make(map[string]Entry, len(l.Entries))
	for _, e := range l.Entries {
		there[e.Name] = e
	}
	for _, name := range names {
		if err := m.count(0); err != nil {
			return err
		}
		if err := m.storeOne(root, folder, below(short, name), name, there, depth); err != nil {
			if err = m.skip(below(short, name), err); err != nil {
				return err
			}
		}
	}
	return nil
}

// names are those in a folder, but for what is not whole.
func (m *mirroring) names(root *os.Root) (names []string, err error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	for {
		some, err := dir.Readdirnames(1000)
		if e := m.count(len(some)); e != nil {
			return nil, e
		}
		names = append(names, some...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, partly) })
	slices.Sort(names)
	return names, nil
}

// storeOne stores one of them.
func (m *mirroring) storeOne(root *os.Root, folder, short, name string, there map[string]Entry, depth int) error {
	info, err := root.Lstat(name)
	switch {
	case err != nil:
		return unread(err)
	case !usable(name):
		return ErrName
	case info.Mode().Type() == fs.ModeSymlink:
		return ErrLink
	case info.Mode().IsRegular():
		return m.storeFile(root, folder, name, there)
	case !info.IsDir():
		return ErrNotRegular
	case depth >= m.MaxDepth:
		return fmt.Errorf("%w folders within each other", ErrTooMany)
	}
	sub, err := descend(root, name)
	if err != nil {
		return unread(err)
	}
	defer sub.Close()
	var l Listing
	if e, exists := there[name]; !exists {
		err = m.talk.mkdir(below(folder, name))
	} else if e.Type != TypeFolder {
		err = e.inTheWay()
	} else {
		l, err = m.talk.list(below(folder, name))
	}
	if err != nil {
		return err
	}
	return m.storeAll(sub, below(folder, name), short, l, depth+1)
}

// inTheWay is the error of a file or folder in whose place there is e.
func (e *Entry) inTheWay() error {
	why := ErrNotRegular
	if e.Type == TypeLink {
		why = ErrLink
	}
	return fmt.Errorf("%w: what is there", why)
}

// unread is the error of what cannot be read here, behind which all can go on.
func unread(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("ftp: %s: %w", e.Op, e.Err)
	}
	return err
}

// storeFile stores a file, if it is not the same there.
func (m *mirroring) storeFile(root *os.Root, folder, name string, there map[string]Entry) error {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a FIFO by now
	if err != nil {
		return unread(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return unread(err)
	}
	if !info.Mode().IsRegular() {
		return ErrNotRegular
	}
	remote, draft := below(folder, name), part(name, info.Size(), info.ModTime())
	e, exists := there[name]
	if exists && e.Type != TypeFile {
		return e.inTheWay()
	}
	if exists {
		if same, err := m.same(remote, e, info); same || err != nil {
			return err
		}
	}
	var offset int64
	if e, ok := there[draft]; ok && m.Resume && e.Type == TypeFile && e.Size <= info.Size() {
		offset = max(e.Size, 0)
	}
	j, err := m.send(f, below(folder, draft), remote, info.Size(), offset)
	if err != nil {
		return err
	}
	if err := m.publish(below(folder, draft), remote, exists, info); err != nil {
		return err
	}
	m.copied(j)
	return nil
}

// same compares a file with that at the server, and counts it if it is the same.
func (m *mirroring) same(remote string, e Entry, info fs.FileInfo) (bool, error) {
	if e.Size != info.Size() {
		return false, nil
	}
	at, dated, err := m.talk.date(remote, e)
	if err != nil {
		return false, err
	}
	same := dated && at.Unix() == info.ModTime().Unix()
	if !m.talk.ftp.IsSetTimeSupported() {
		same = !at.Before(info.ModTime())
	}
	if same {
		m.unchanged()
	}
	return same, nil
}

// send stores the draft of a file. A server that cannot go on in the middle begins
// again.
func (m *mirroring) send(f *os.File, draft, remote string, size, offset int64) (*job, error) {
	for {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			return nil, unread(err)
		}
		j := newJob(draft, offset)
		j.size, j.called, j.report = size, remote, m.report
		_, err := m.talk.store(j, io.LimitReader(f, size-offset))
		if sent := offset + j.bytes.Load(); err == nil && sent != size {
			err = fmt.Errorf("%w: %d bytes are left of %d", ErrSize, sent, size)
		}
		if err == nil {
			return j, nil
		}
		err = unreadable(err)
		refused, ok := errors.AsType[*ClientError](err)
		m.discard(draft, err)
		if offset == 0 || !ok || refused.Verb != "REST" || m.talk.gone {
			return nil, err
		}
		offset = 0
	}
}

// unreadable is unread within a ClientError.
func unreadable(err error) error {
	if e, ok := errors.AsType[*ClientError](err); ok {
		return &ClientError{Verb: e.Verb, Err: unread(e.Err)}
	}
	return err
}
