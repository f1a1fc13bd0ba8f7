package ftp

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// count looks at all files and folders, uploads that are no files yet included, up to so
// many.
func count(root *os.Root, atMost int64) (total tally, err error) {
	folders := []string{"."}
	for len(folders) > 0 {
		rel := folders[len(folders)-1]
		folders = folders[:len(folders)-1]
		err := eachIn(root, rel, func(info fs.FileInfo) error {
			if total = total.plus(tallyOf(info)); total.entries > atMost {
				return ErrQuota
			}
			if info.IsDir() {
				folders = append(folders, path.Join(rel, info.Name()))
			}
			return nil
		})
		if err != nil {
			return tally{}, err
		}
	}
	return total, nil
}

// eachIn calls f for what is in a folder, as far as it can be looked at.
func eachIn(root *os.Root, rel string, f func(fs.FileInfo) error) error {
	dir, err := openFolder(root, rel)
	if err != nil {
		return unlessGone(err)
	}
	defer dir.Close()
	return unlessGone(readRuns(dir, func(names []string) (bool, error) {
		for _, name := range names {
			info, err := dir.Lstat(name)
			if err == nil {
				err = f(info)
			}
			if unlessGone(err) != nil {
				return false, err
			}
		}
		return true, nil
	}))
}

// unlessGone forgives that a file was removed meanwhile, or is not for us: nor can it be
// written to.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}
