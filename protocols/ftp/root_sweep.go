package ftp

import (
	"os"
	"time"
)

const (
	// sweepEvery is how often a folder is swept that is uploaded to.
	sweepEvery = time.Hour

	// abandonedAfter is how long nobody has written to an upload that is not one any
	// more. Sessions end sooner when nothing moves.
	abandonedAfter = 24 * time.Hour

	// sweepAtMost bounds the names that one sweep looks at.
	sweepAtMost = 100_000

	// maxSwept bounds what is remembered of folders; beyond, they are swept more often.
	maxSwept = 10_000
)

// sweep removes what was left over in a folder, unless that was done lately.
func (r *Root) sweep(dir *os.Root, rel string) {
	now := time.Now()
	if r.due(rel, now) {
		r.sweepNow(dir, now)
	}
}

// due reports whether a folder is to be swept, and takes it for swept then.
func (r *Root) due(rel string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.swept[rel]; ok && now.Sub(at) < sweepEvery {
		return false
	}
	if r.swept == nil || len(r.swept) >= maxSwept {
		r.swept = make(map[string]time.Time)
	}
	r.swept[rel] = now
	return true
}

// sweepAt removes what was left over in a folder, and reports whether there was any.
func (r *Root) sweepAt(root *os.Root, rel string) bool {
	dir, err := openFolder(root, rel)
	if err != nil {
		return false
	}
	defer dir.Close()
	return r.sweepNow(dir, time.Now())
}

// sweepNow does so. A folder that may be written to and not read is not swept, and what
// cannot be removed stays: neither is the trouble of who uploads.
func (r *Root) sweepNow(dir *os.Root, now time.Time) (removed bool) {
	seen := 0
	_ = readRuns(dir, func(names []string) (bool, error) {
		for _, name := range names {
			if isAside(name) && r.sweepFile(dir, name, now) {
				removed = true
			}
		}
		seen += len(names)
		return seen < sweepAtMost, nil
	})
	return removed
}

func (r *Root) sweepFile(dir *os.Root, name string, now time.Time) bool {
	info, err := dir.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || now.Sub(info.ModTime()) < abandonedAfter {
		return false
	}
	return r.changing(func() (change, error) { return change{freed: tallyOf(info)}, dir.Remove(name) }) == nil
}
