package ftp

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"
)

const (
	// countEvery is how often files are counted that are too many.
	countEvery = time.Minute

	// countAtMost bounds the files and folders that are looked at.
	countAtMost = 1_000_000
)

// A quota is how many bytes the files of a Root have. Who removes files does so with mu
// held, so that a count has them either in the files or in what was freed. Writes do not:
// a count may have what is written in its moment twice, never not at all.
type quota struct {
	mu      sync.Mutex
	used    int64     // when last counted, with what was written and freed since
	pending int64     // what is being written
	counted time.Time // zero before the first count
}

// counted writes to a file that grows by so much, if there is room for it.
func (r *Root) counted(file *os.File, b []byte, grows int64) (int, error) {
	if r.Quota == 0 || grows == 0 {
		return file.Write(b)
	}
	if err := r.reserve(grows); err != nil {
		return 0, err
	}
	n, err := file.Write(b)
	r.used.settle(grows, grows-int64(len(b)-n))
	return n, err
}

// reserve has n bytes pending, or says that there is no room for them.
func (r *Root) reserve(n int64) error {
	q := &r.used
	q.mu.Lock()
	defer q.mu.Unlock()
	fits := !q.counted.IsZero() && q.used+q.pending+n <= r.Quota
	if !fits && time.Since(q.counted) >= countEvery {
		if err := r.recount(); err != nil {
			return err
		}
		fits = q.used+q.pending+n <= r.Quota
	}
	if !fits {
		return ErrQuota
	}
	q.pending += n
	return nil
}

func (r *Root) recount() error {
	root, err := r.open()
	if err != nil {
		return err
	}
	r.used.used, err = count(root, countAtMost)
	if err == nil {
		r.used.counted = time.Now()
	}
	return err
}

// settle says by how much a file has grown for which so much was reserved.
func (q *quota) settle(reserved, grown int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending -= reserved
	q.used += max(0, grown)
}

// freeing calls f, which removes so many bytes unless it fails.
func (r *Root) freeing(f func() (int64, error)) error {
	if r.Quota == 0 {
		_, err := f()
		return err
	}
	r.used.mu.Lock()
	defer r.used.mu.Unlock()
	freed, err := f()
	if err == nil {
		r.used.used -= freed
	}
	return err
}

// sizeOf is what a file counts.
func sizeOf(info fs.FileInfo) int64 {
	if info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}

// count adds up the sizes of all files, uploads that are no files yet included.
func count(root *os.Root, atMost int) (total int64, err error) {
	folders, seen := []string{"."}, 0
	for len(folders) > 0 {
		rel := folders[len(folders)-1]
		folders = folders[:len(folders)-1]
		err := eachIn(root, rel, func(info fs.FileInfo) error {
			if seen++; seen > atMost {
				return ErrQuota
			}
			if info.IsDir() {
				folders = append(folders, path.Join(rel, info.Name()))
			}
			total += sizeOf(info)
			return nil
		})
		if err != nil {
			return 0, err
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
