package ftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// download is Download. The folder is made here when it is known that it can be listed.
func (m *mirroring) download() error {
	l, err := m.talk.list(m.Remote)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.Local, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(m.Local)
	if err != nil {
		return err
	}
	defer root.Close()
	return m.fetchAll(root, m.Remote, "", l, 1)
}

// fetchAll fetches what is in a folder, which is called short below the first.
func (m *mirroring) fetchAll(root *os.Root, folder, short string, l Listing, depth int) error {
	if err := m.count(len(l.Entries) + len(l.Unusable)); err != nil {
		return err
	}
	for _, line := range l.Unusable {
		if err := m.skip(below(short, line), ErrName); err != nil {
			return err
		}
	}
	for _, e := range l.Entries {
		name := below(short, e.Name)
		if err := m.count(0); err != nil {
			return err
		}
		if err := m.fetch(root, folder, name, e, depth); err != nil {
			if err = m.skip(name, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetch fetches one of them.
func (m *mirroring) fetch(root *os.Root, folder, name string, e Entry, depth int) error {
	switch {
	case !local(e.Name):
		return ErrName
	case e.Type == TypeLink:
		return ErrLink
	case e.Type == TypeFile:
		return m.fetchFile(root, below(folder, e.Name), e)
	case e.Type != TypeFolder:
		return ErrNotRegular
	case depth >= m.MaxDepth:
		return fmt.Errorf("%w folders within each other", ErrTooMany)
	}
	return m.fetchFolder(root, folder, name, e, depth)
}

// fetchFolder fetches a folder. It is made here when it is known that it can be listed.
func (m *mirroring) fetchFolder(root *os.Root, folder, name string, e Entry, depth int) error {
	if info, err := root.Lstat(e.Name); err == nil && enterable(info) != nil {
		return enterable(info)
	}
	l, err := m.talk.list(below(folder, e.Name))
	if err != nil {
		return err
	}
	if err := root.Mkdir(e.Name, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return unread(err)
	}
	sub, err := descend(root, e.Name)
	if err != nil {
		return unread(err)
	}
	defer sub.Close()
	return m.fetchAll(sub, below(folder, e.Name), name, l, depth+1)
}

// fetchFile fetches a file, if it is not the same here.
func (m *mirroring) fetchFile(root *os.Root, remote string, e Entry) error {
	at, dated, err := m.talk.date(remote, e)
	if err != nil {
		return err
	}
	info, err := root.Lstat(e.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil: // its name may be too long here
		return unread(err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: what is here", ErrNotRegular)
	case dated && info.Size() == e.Size && info.ModTime().Unix() == at.Unix():
		m.unchanged()
		return nil
	}
	d := draft{root: root, name: part(e.Name, e.Size, at), resumes: m.Resume && dated && e.Size >= 0}
	j, err := m.receive(&d, remote, e)
	if err != nil {
		return err
	}
	if dated {
		if err := root.Chtimes(d.name, time.Time{}, at); err != nil {
			return err
		}
	}
	if err := root.Rename(d.name, e.Name); err != nil {
		return err
	}
	m.copied(j)
	return nil
}

// receive fetches the draft of a file. A server that cannot go on in the middle
// begins again.
func (m *mirroring) receive(d *draft, remote string, e Entry) (*job, error) {
	for {
		f, offset, err := d.open(e.Size)
		if err != nil {
			return nil, err
		}
		j := newJob(remote, offset)
		j.size, j.report = e.Size, m.report
		_, err = m.talk.get(j, &bounded{f, m})
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err == nil {
			return j, nil
		}
		if !d.resumes || errors.Is(err, ErrSize) {
			if e := d.remove(); e != nil {
				return nil, errors.Join(err, e)
			}
		}
		refused, ok := errors.AsType[*ClientError](err)
		if offset == 0 || !ok || refused.Verb != "REST" || m.talk.gone {
			return nil, err
		}
		d.resumes = false
	}
}

// A draft is a file here that is not whole.
type draft struct {
	root    *os.Root
	name    string
	resumes bool // it is kept, and one that is there is taken up
}

// open returns it, and how much is there of a file of that size.
func (d *draft) open(size int64) (f *os.File, offset int64, err error) {
	info, err := d.root.Lstat(d.name)
	if err == nil && d.resumes && info.Mode().IsRegular() && info.Size() <= size {
		if f, err = d.root.OpenFile(d.name, os.O_WRONLY, 0); err != nil {
			return nil, 0, err
		}
		if offset, err = f.Seek(0, io.SeekEnd); err != nil {
			return nil, 0, errors.Join(err, f.Close())
		}
		return f, offset, nil
	}
	if err := d.remove(); err != nil {
		return nil, 0, err
	}
	f, err = d.root.OpenFile(d.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	return f, 0, err
}

func (d *draft) remove() error {
	if err := d.root.Remove(d.name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
