package ftp

import (
	"io"
	"io/fs"
)

// remaining is how many bytes a Reader still has, and -1 if it does not say so. An error
// is one behind which it does not stand where it did.
func remaining(r io.Reader) (int64, error) {
	if l, ok := r.(interface{ Len() int }); ok {
		return int64(l.Len()), nil
	}
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() { // a device lets itself be sought, and says nothing by that
			return -1, nil
		}
	}
	s, ok := r.(io.Seeker)
	if !ok {
		return -1, nil
	}
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1, nil
	}
	end, unknown := s.Seek(0, io.SeekEnd)
	if _, err = s.Seek(at, io.SeekStart); err != nil {
		return -1, err
	}
	if unknown != nil {
		return -1, nil
	}
	return max(0, end-at), nil
}
