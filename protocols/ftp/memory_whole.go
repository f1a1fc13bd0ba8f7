package ftp

import (
	"bytes"
	"io/fs"
)

// WriteFile makes a file with this text, or replaces the one that is there. Its folder
// has to be there.
func (m *Memory) WriteFile(name string, text []byte) error {
	u, err := m.Create(name, false)
	if err != nil {
		return err
	}
	defer u.Close()
	if _, err := u.Write(text); err != nil {
		return err
	}
	return u.Commit()
}

// ReadFile returns what a file has.
func (m *Memory) ReadFile(name string) (text []byte, err error) {
	err = m.use("read", name, func(_, n *node, _ string) error {
		switch {
		case n == nil:
			return fs.ErrNotExist
		case !n.mode.IsRegular():
			return ErrNotRegular
		}
		text = bytes.Clone(n.data)
		return nil
	})
	return text, err
}
