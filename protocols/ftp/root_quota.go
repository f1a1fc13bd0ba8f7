package ftp

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// countEvery is how often files are counted that are too many, or cannot be counted.
	countEvery = time.Minute

	// countAtMost bounds the files and folders that are looked at.
	countAtMost = 1_000_000

	// movesAtMost bounds the files that are remembered to have been moved during a count.
	movesAtMost = 1000
)

// A tally is how much of a Root something takes.
type tally struct {
	bytes   int64
	entries int64 // files and folders
}

func (t tally) plus(o tally) tally  { return tally{t.bytes + o.bytes, t.entries + o.entries} }
func (t tally) minus(o tally) tally { return tally{t.bytes - o.bytes, t.entries - o.entries} }

// tallyOf is what a file or folder counts by itself.
func tallyOf(info fs.FileInfo) tally {
	if info.Mode().IsRegular() {
		return tally{info.Size(), 1}
	}
	return tally{0, 1}
}

// A quota is how much there is in a Root. A count looks at everything, which may take a
// while, and meanwhile the others go on: so it may have found what comes and goes by then,
// or not. What comes it has twice rather than never, what goes it has rather than not:
// there may be less than it says, but not more. Folders are not renamed while it goes on,
// for they could take what is in them past it.
type quota struct {
	changing sync.Mutex // held to remove and to rename, and when a count begins

	mu       sync.Mutex    // held for a moment
	used     tally         // when last counted, with what has come and gone since
	pending  tally         // what is about to come
	counting chan struct{} // closed when the count that goes on has ended; nil without one
	come     tally         // while it went on
	moves    []move        // while it went on, one for each file
	counted  time.Time     // when the last has ended; zero before the first
	counts   int           // that have ended
	err      error         // without which it is known what there is
	walk     func(root *os.Root, atMost int64) (tally, error)
}

// limits reports whether anything is counted at all.
func (r *Root) limits() bool { return r.Quota != 0 || r.MaxEntries != 0 }

// counted writes to a file that grows by so much, if there is room for it.
func (r *Root) counted(file *os.File, b []byte, grows int64) (int, error) {
	if r.Quota == 0 || grows == 0 {
		return file.Write(b)
	}
	if err := r.reserve(tally{bytes: grows}); err != nil {
		return 0, err
	}
	n, err := file.Write(b)
	r.used.settle(tally{bytes: grows}, tally{bytes: max(0, grows-int64(len(b)-n))})
	return n, err
}

// adding calls f, which makes a file or folder, if there may be one more.
func (r *Root) adding(f func() error) error {
	if !r.limits() {
		return f()
	}
	one := tally{entries: 1}
	if err := r.reserve(one); err != nil {
		return err
	}
	err := f()
	if err != nil {
		r.used.settle(one, tally{})
	} else {
		r.used.settle(one, one)
	}
	return err
}

// reserve has n pending, or says that there is no room for it. It waits for the first
// count; for another only who begins it.
func (r *Root) reserve(n tally) error {
	q := &r.used
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		known := q.counts > 0 && q.err == nil
		ends := q.counting
		switch {
		case known && r.fits(n):
			q.pending = q.pending.plus(n)
			return nil
		case known && ends != nil:
			return syscall.EBUSY // there may be room when it has ended
		case ends != nil:
			q.mu.Unlock()
			<-ends
			q.mu.Lock()
		case time.Since(q.counted) >= countEvery:
			if err := r.recount(); err != nil {
				return err
			}
		case known:
			return ErrQuota
		default:
			return q.err
		}
	}
}

// fits reports whether there is room for n. Who adds nothing of a kind does not mind that
// there is too much of it.
func (r *Root) fits(n tally) bool {
	all := r.used.used.plus(r.used.pending).plus(n)
	return (r.Quota == 0 || n.bytes == 0 || all.bytes <= r.Quota) && (n.entries == 0 || all.entries <= r.maxEntries())
}

func (r *Root) maxEntries() int64 {
	if r.MaxEntries == 0 {
		return countAtMost
	}
	return int64(r.MaxEntries)
}

// recount counts, unless somebody else has begun to. It is called with mu held, and holds
// it when it returns, but not between. A failure is returned to who has begun; what was
// known before holds on, unless there is too much to count.
func (r *Root) recount() error {
	q := &r.used
	counts := q.counts
	q.mu.Unlock()
	q.changing.Lock()
	q.mu.Lock()
	if q.counting != nil || q.counts != counts {
		q.changing.Unlock()
		return nil
	}
	known := q.counts > 0 && q.err == nil
	q.counting, q.come, q.moves = make(chan struct{}), tally{}, nil
	q.changing.Unlock()
	q.mu.Unlock()
	found, err := r.count()
	q.mu.Lock()
	if err == nil {
		q.used = found.plus(q.come)
	}
	if !known || err == nil || errors.Is(err, ErrQuota) {
		q.err = err
	}
	q.counted = time.Now()
	q.counts++
	close(q.counting)
	q.counting = nil
	return err
}

func (r *Root) count() (tally, error) {
	root, err := r.open()
	if err != nil {
		return tally{}, err
	}
	walk := r.used.walk
	if walk == nil {
		walk = count
	}
	return walk(root, max(countAtMost, r.maxEntries()))
}

// settle says what has come of what was reserved.
func (q *quota) settle(reserved, come tally) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = q.pending.minus(reserved)
	q.add(come)
}

func (q *quota) add(come tally) {
	q.used = q.used.plus(come)
	q.come = q.come.plus(come)
}

// A change is what removing or renaming something has done.
type change struct {
	freed tally // what is there no more
	moved move  // without info if nothing was
}

// A move is that a file has another name, by which a count may have missed it.
type move struct {
	info fs.FileInfo
	name string // the new one
}

// changing calls f, which removes or renames something.
func (r *Root) changing(f func() (change, error)) error {
	if !r.limits() {
		_, err := f()
		return err
	}
	q := &r.used
	q.changing.Lock()
	defer q.changing.Unlock()
	counts, counting := q.progress()
	did, err := f()
	if err == nil {
		q.change(did, counts, counting)
	}
	return err
}

// progress returns how many counts have ended, and whether one goes on.
func (q *quota) progress() (counts int, counting bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.counts, q.counting != nil
}

// change notes a change that began then: at a count that has ended since, what is gone may
// not have been found, and what was moved neither.
func (q *quota) change(did change, counts int, counting bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.counts == counts {
		q.used = q.used.minus(did.freed)
	}
	if !counting || did.moved.info == nil {
		return
	}
	missed := q.move(did.moved)
	if q.counts == counts {
		q.come = q.come.plus(missed)
	} else {
		q.used = q.used.plus(missed)
	}
}

// move notes a move, and returns what a count may have missed by it. That is what a file
// had when it was moved first; what it has got since comes by settle.
func (q *quota) move(m move) tally {
	if i := q.moveOf(m.info); i >= 0 {
		q.moves[i].name = m.name
		return tally{}
	}
	if len(q.moves) < movesAtMost {
		q.moves = append(q.moves, m)
	}
	return tallyOf(m.info)
}

func (q *quota) moveOf(info fs.FileInfo) int {
	return slices.IndexFunc(q.moves, func(m move) bool { return os.SameFile(m.info, info) })
}

// stays reports whether a count that goes on needs what has this name to keep it: a folder
// could take files past it, a file's second name would be taken for the first, which was
// moved, and what cannot be remembered could be moved for ever. It is for who holds
// changing.
func (q *quota) stays(name string, info fs.FileInfo) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.counting == nil {
		return false
	}
	if i := q.moveOf(info); i >= 0 {
		return q.moves[i].name != name
	}
	return info.IsDir() || len(q.moves) >= movesAtMost
}

// isCounting reports whether a count goes on. It is for who holds changing: none begins.
func (q *quota) isCounting() bool {
	_, counting := q.progress()
	return counting
}
