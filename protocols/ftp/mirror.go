package ftp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/torsion-go/torsion/deferred"
)

// A Mirror is a folder at the server and one here, of which one becomes like the other:
// what is missing there is made, what is different is replaced, and nothing is
// removed. A file is not different if size and time are the same.
//
// Files come to be under another name, torsion-part-..., and get theirs when they are
// whole. Where a server does not let that replace a file, the old one is called so
// meanwhile, and gets its name back if the new one may not have it. If it does not, for
// the connection is lost or the server refuses that, too, the error says how it is
// called. Two Clients may not make the same folder at the same time.
type Mirror struct {
	Remote string // where the login has led to if it is empty
	Local  string // the working directory if it is empty

	// Resume keeps what has come of a file that breaks off, and the next Mirror with
	// Resume goes on there, if the file still has that size and time. What nobody
	// comes back for may be removed by hand.
	Resume bool

	MaxDepth   int   // of folders within each other; 32 if zero
	MaxEntries int   // in all; 1,000,000 if zero
	MaxBytes   int64 // that Download writes, in all; any number if zero
}

// Mirrored is what became of a Mirror.
type Mirrored struct {
	Files     int   // that were copied
	Bytes     int64 // that were moved for that
	Unchanged int   // files that were the same
	Skipped   []Skipped
}

// Skipped is what was not mirrored, for a reason of its own.
type Skipped struct {
	Name string // below the folder; or the line of a listing
	Err  error  // ErrLink, ErrName, ErrNotRegular, ErrTooMany, or that of the transfer
}

var (
	// ErrLink is a symbolic link, none of which is followed.
	ErrLink = errors.New("ftp: a link")

	// ErrTooMany is within the error of a Mirror that is too deep, or has too much in
	// it: of the whole, but for a folder that is too deep, which is skipped.
	ErrTooMany = errors.New("ftp: too many")
)

// Download makes the folder here like that at the server. There is no error if it has
// come to the end, with what could not be copied in Mirrored.Skipped. It ends before
// that when the connection is lost, when it is given up, when there is too much, and
// when something cannot be written here. All that it does stays below the folder,
// whatever the names of files at the server are, and whatever links are there.
func (c *Client) Download(m Mirror) *deferred.Deferred[Mirrored] {
	return c.mirror(m, (*mirroring).download)
}

// DownloadContext is Download for goroutines, on which it waits.
func (c *Client) DownloadContext(ctx context.Context, m Mirror) (Mirrored, error) {
	return c.mirrorNow(ctx, m, (*mirroring).download)
}

// Upload makes the folder at the server like that here; see Download. Where the server
// does not let times be set, a file there that is younger than the one here, and as
// large, is the same.
func (c *Client) Upload(m Mirror) *deferred.Deferred[Mirrored] {
	return c.mirror(m, (*mirroring).upload)
}

// UploadContext is Upload for goroutines, on which it waits.
func (c *Client) UploadContext(ctx context.Context, m Mirror) (Mirrored, error) {
	return c.mirrorNow(ctx, m, (*mirroring).upload)
}

func (c *Client) mirror(m Mirror, f func(*mirroring) error) *deferred.Deferred[Mirrored] {
	w := newMirroring(m, c.onLoop())
	return later(c, w.task(f), w.verdict)
}

func (c *Client) mirrorNow(ctx context.Context, m Mirror, f func(*mirroring) error) (Mirrored, error) {
	w := newMirroring(m, c.config.Progress)
	return now(ctx, c, w.task(f), w.verdict)
}

// A mirroring is a Mirror on its way. It belongs to the Client's goroutine, but for
// what stands under mu.
type mirroring struct {
	Mirror
	talk   *talk
	report func(Progress)
	left   int   // entries
	bytes  int64 // written here
	full   bool  // with too many entries or bytes

	mu  sync.Mutex
	res Mirrored
}

func newMirroring(m Mirror, report func(Progress)) *mirroring {
	for field, otherwise := range map[*int]int{&m.MaxDepth: 32, &m.MaxEntries: 1_000_000} {
		if *field == 0 {
			*field = otherwise
		}
	}
	if m.Local == "" {
		m.Local = "."
	}
	return &mirroring{Mirror: m, report: report, left: m.MaxEntries}
}

func (m *mirroring) task(f func(*mirroring) error) task[Mirrored] {
	return doing(func(t *talk) (Mirrored, error) {
		m.talk = t
		err := f(m)
		if _, ok := errors.AsType[*ClientError](err); err != nil && !ok {
			err = &ClientError{Verb: "mirror", Err: err}
		}
		return m.result(), err
	})
}

func (m *mirroring) verdict(err error) (Mirrored, error) {
	_, err = unknown[Mirrored](err)
	return m.result(), err
}

func (m *mirroring) result() Mirrored {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.res
	r.Skipped = slices.Clone(r.Skipped)
	return r
}

// skip notes that there is a reason not to mirror something, and goes on if that is
// possible. It is not when the connection is gone, or somebody wants the end, or
// nothing can be written here.
func (m *mirroring) skip(name string, err error) error {
	_, disk := errors.AsType[*fs.PathError](err)
	if cause := m.talk.guard.cause(); cause != nil || m.talk.gone || disk || m.full {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.res.Skipped = append(m.res.Skipped, Skipped{name, err})
	return nil
}

// count takes n entries from those that may come, and looks whether to go on.
func (m *mirroring) count(n int) error {
	if m.left -= n; m.left < 0 {
		m.full = true
		return fmt.Errorf("%w: more than %d entries", ErrTooMany, m.MaxEntries)
	}
	return m.talk.guard.cause()
}

// A bounded is a file of a Mirror that counts what is written to it.
type bounded struct {
	*os.File
	m *mirroring
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.m.bytes += int64(len(p)); b.m.MaxBytes > 0 && b.m.bytes > b.m.MaxBytes {
		b.m.full = true
		return 0, fmt.Errorf("%w: more than %d bytes", ErrTooMany, b.m.MaxBytes)
	}
	return b.File.Write(p)
}

// copied counts a file.
func (m *mirroring) copied(j *job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.res.Bytes += j.bytes.Load()
	m.res.Files++
}

func (m *mirroring) unchanged() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.res.Unchanged++
}

// below is the name of what is in a folder.
func below(folder, name string) string {
	if folder == "" || strings.HasSuffix(folder, "/") {
		return folder + name
	}
	return folder + "/" + name
}

// descend opens a folder within another, which is no link.
func descend(root *os.Root, name string) (*os.Root, error) {
	info, err := root.Lstat(name)
	if err == nil {
		err = enterable(info)
	}
	if err != nil {
		return nil, err
	}
	return root.OpenRoot(name)
}

func enterable(info fs.FileInfo) error {
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		return ErrLink
	case !info.IsDir():
		return fmt.Errorf("%w, nor a folder", ErrNotRegular)
	}
	return nil
}

// partly begins the names of files that are not whole.
const partly = "torsion-part-"

// part is the name of a file while it is not whole: of one with this name, size and
// time, which another version has not.
func part(name string, size int64, at time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", name, size, at.Unix()))
	return fmt.Sprintf("%s%x", partly, sum[:8])
}

// local reports whether a name from the server may be used here.
func local(name string) bool {
	return filepath.IsLocal(name) && !strings.ContainsRune(name, filepath.Separator) && !strings.HasPrefix(name, partly)
}

// date is when a file at the server was modified, to the second. Where the listing
// does not tell, the server may do so when it is asked.
func (t *talk) date(name string, e Entry) (at time.Time, known bool, err error) {
	if e.Exact || !t.ftp.IsGetTimeSupported() {
		return e.Modified, e.Exact, nil
	}
	at, err = t.modTime(name)
	if _, refused := errors.AsType[*Error](err); refused && !t.gone {
		return e.Modified, false, nil
	}
	return at, err == nil, err
}
