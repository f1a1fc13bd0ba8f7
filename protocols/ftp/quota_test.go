package ftp_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

func xs(n int) string { return strings.Repeat("x", n) }

// room is how many bytes there are still room for.
func room(t *testing.T, f ftp.Files) (n int) {
	t.Helper()
	u, err := f.Create("/room", false)
	require.NoError(t, err)
	defer func() { assert.NoError(t, u.Close()) }()
	for n < 1000 {
		if _, err := io.WriteString(u, "x"); err != nil {
			assert.ErrorIs(t, err, ftp.ErrQuota)
			return n
		}
		n++
	}
	return n
}

// quotaLaws are told of files with room for 100 bytes.
var quotaLaws = []struct {
	name string
	law  func(t *testing.T, f ftp.Files)
}{
	{"as much as allowed and not more", func(t *testing.T, f ftp.Files) {
		assert.ErrorIs(t, put(f, "/a", xs(101)), ftp.ErrQuota)
		require.NoError(t, put(f, "/a", xs(100)))
		assert.ErrorIs(t, put(f, "/b", "x"), ftp.ErrQuota)
		assert.ErrorIs(t, putAt(f, "/a", -1, "x"), ftp.ErrQuota)
		assert.NoError(t, put(f, "/b", ""))
		assert.Equal(t, []string{"a", "b"}, names(t, f, "/"))
	}},
	{"what failed to be written is not committed", func(t *testing.T, f ftp.Files) {
		for name, begin := range map[string]func() (ftp.Upload, error){
			"/a": func() (ftp.Upload, error) { return f.Create("/a", false) },
			"/b": func() (ftp.Upload, error) { return f.Append("/b", -1) },
		} {
			u, err := begin()
			require.NoError(t, err)
			_, err = io.WriteString(u, xs(10))
			require.NoError(t, err, name)
			_, err = io.WriteString(u, xs(91))
			require.ErrorIs(t, err, ftp.ErrQuota, name)
			assert.ErrorIs(t, u.Commit(), ftp.ErrQuota, name)
			assert.NoError(t, u.Close())
		}
		assert.Equal(t, []string{"b"}, names(t, f, "/"))
		assert.Equal(t, 90, room(t, f))
	}},
	{"what is removed makes room", func(t *testing.T, f ftp.Files) {
		require.NoError(t, put(f, "/a", xs(60)))
		require.NoError(t, put(f, "/b", xs(30)))
		assert.Equal(t, 10, room(t, f))
		require.NoError(t, f.Remove("/a"))
		assert.Equal(t, 70, room(t, f))
		assert.Error(t, f.Remove("/a"))
		assert.Equal(t, 70, room(t, f))
	}},
	{"what is replaced makes room", func(t *testing.T, f ftp.Files) {
		require.NoError(t, put(f, "/a", xs(40)))
		require.NoError(t, put(f, "/a", xs(30)))
		assert.Equal(t, 70, room(t, f))
		require.NoError(t, put(f, "/b", xs(20)))
		require.NoError(t, f.Rename("/b", "/a"))
		assert.Equal(t, 80, room(t, f))
		require.NoError(t, f.Rename("/a", "/a"))
		require.NoError(t, f.Rename("/a", "/c"))
		assert.Equal(t, 80, room(t, f))
	}},
	{"but not before it is", func(t *testing.T, f ftp.Files) {
		require.NoError(t, put(f, "/a", xs(60)))
		assert.ErrorIs(t, put(f, "/a", xs(41)), ftp.ErrQuota)
		require.NoError(t, put(f, "/a", xs(40)))
		assert.Equal(t, 60, room(t, f))
	}},
	{"what is being written counts", func(t *testing.T, f ftp.Files) {
		u, err := f.Create("/a", false)
		require.NoError(t, err)
		_, err = io.WriteString(u, xs(60))
		require.NoError(t, err)
		assert.Equal(t, 40, room(t, f))
		require.NoError(t, u.Close())
		assert.Equal(t, 100, room(t, f))
	}},
	{"only what grows counts", func(t *testing.T, f ftp.Files) {
		require.NoError(t, put(f, "/a", xs(90)))
		for range 5 {
			require.NoError(t, putAt(f, "/a", 0, xs(90)))
		}
		require.NoError(t, putAt(f, "/a", 50, xs(45)))
		assert.Equal(t, 5, room(t, f))
		require.NoError(t, putAt(f, "/a", -1, xs(5)))
		require.NoError(t, putAt(f, "/a", 0, xs(100)))
		assert.ErrorIs(t, putAt(f, "/a", 99, xs(2)), ftp.ErrQuota)
	}},
	{"folders are free", func(t *testing.T, f ftp.Files) {
		require.NoError(t, put(f, "/a", xs(100)))
		require.NoError(t, f.Mkdir("/d"))
		require.NoError(t, f.Rename("/d", "/e"))
		require.NoError(t, f.RemoveDir("/e"))
		assert.Equal(t, 0, room(t, f))
	}},
	{"all sessions have one quota", func(t *testing.T, f ftp.Files) {
		var all sync.WaitGroup
		var whole atomic.Int32
		for i := range 20 {
			all.Go(func() {
				if put(f, fmt.Sprint("/", i), xs(20)) == nil {
					whole.Add(1)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 5, whole.Load())
		assert.Len(t, names(t, f, "/"), 5)
	}},
}

// No more is stored than is allowed, and no less.
func TestFilesKeepQuota(t *testing.T) {
	for kind, fresh := range map[string]func(t *testing.T) ftp.Files{
		"root":   func(t *testing.T) ftp.Files { return &ftp.Root{Dir: t.TempDir(), Quota: 100} },
		"memory": func(*testing.T) ftp.Files { return &ftp.Memory{MaxBytes: 100} },
	} {
		for _, l := range quotaLaws {
			t.Run(kind+"/"+l.name, func(t *testing.T) { l.law(t, fresh(t)) })
		}
	}
}

// What was there before counts, wherever it is, and what a killed program has left.
func TestRootQuotaCountsWhatIsThere(t *testing.T) {
	r, dir, outside := jail(t)
	leftover(t, dir, "0", 23*time.Hour)
	require.NoError(t, os.Symlink("a.txt", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "out")))
	r = &ftp.Root{Dir: r.Dir, Quota: 20}
	assert.Equal(t, 20-3-3-4, room(t, r))
	leftover(t, dir, "1", 25*time.Hour)
	r = &ftp.Root{Dir: r.Dir, Quota: 20}
	require.NoError(t, putAt(r, "/a.txt", -1, "x"))
	assert.Equal(t, 20-4-3-4, room(t, r), "swept")
}

// A Root has at most so many files and folders, uploads that are under way included, with
// a Quota of bytes or without: who sends nothing sends something.
func TestRootBoundsEntries(t *testing.T) {
	for _, quota := range []int64{0, 1000} {
		r := &ftp.Root{Dir: t.TempDir(), MaxEntries: 4, Quota: quota}
		stocked(t, r)
		assert.ErrorIs(t, put(r, "/x", ""), ftp.ErrQuota)
		assert.ErrorIs(t, putUnique(r, "/x", ""), ftp.ErrQuota)
		assert.ErrorIs(t, r.Mkdir("/x"), ftp.ErrQuota)
		assert.ErrorIs(t, putAt(r, "/x", -1, ""), ftp.ErrQuota)
		assert.NoError(t, putAt(r, "/a.txt", -1, "more"))
		assert.NoError(t, r.Rename("/a.txt", "/y"))
		assert.ErrorIs(t, put(r, "/y", "new"), ftp.ErrQuota, "there are two until one is whole")
		require.NoError(t, r.Remove("/y"))
		require.NoError(t, put(r, "/y", ""))
		require.NoError(t, r.RemoveDir("/e"))
		require.NoError(t, put(r, "/y", ""))
		require.NoError(t, put(r, "/y", "again"))
		require.NoError(t, putAt(r, "/z", -1, ""))
		require.NoError(t, r.Rename("/z", "/y"))
		require.NoError(t, putUnique(r, "/z", ""))
		assert.ErrorIs(t, r.Mkdir("/x"), ftp.ErrQuota)
		assert.Equal(t, []string{"d/", "y", "z"}, names(t, r, "/"))
	}
}

// A Memory has at most so many files and folders.
func TestMemoryBoundsEntries(t *testing.T) {
	m := &ftp.Memory{MaxEntries: 4}
	stocked(t, m)
	u, err := m.Create("/x", false)
	require.NoError(t, err)
	assert.ErrorIs(t, u.Commit(), ftp.ErrQuota)
	assert.NoError(t, u.Close())
	assert.ErrorIs(t, m.Mkdir("/x"), ftp.ErrQuota)
	assert.ErrorIs(t, putAt(m, "/x", -1, ""), ftp.ErrQuota)
	assert.NoError(t, put(m, "/a.txt", "new"))
	assert.NoError(t, m.Rename("/a.txt", "/x"))
	assert.NoError(t, m.Remove("/x"))
	assert.NoError(t, put(m, "/y", ""))
}

// What is written to a file that was removed meanwhile is refused, and not kept.
func TestMemoryForgetsRemoved(t *testing.T) {
	m := &ftp.Memory{MaxBytes: 10}
	u, err := m.Append("/x", -1)
	require.NoError(t, err)
	_, err = io.WriteString(u, "12345")
	require.NoError(t, err)
	require.NoError(t, m.Remove("/x"))
	_, err = io.WriteString(u, "12345")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.NoError(t, u.Close())
	assert.NoError(t, put(m, "/y", "1234567890"))
}

// A Memory tells the time that it is told.
func TestMemoryHasAClock(t *testing.T) {
	now := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
	m := &ftp.Memory{Now: func() time.Time { return now }}
	stocked(t, m)
	now = now.Add(time.Hour)
	require.NoError(t, putAt(m, "/a.txt", -1, "x"))
	for name, at := range map[string]time.Time{"/a.txt": now, "/d": now.Add(-time.Hour), "/": now.Add(-time.Hour)} {
		info, err := m.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, at, info.ModTime(), name)
	}
}

// A Memory takes and gives whole files, without an Upload.
func TestMemoryWritesAndReadsFiles(t *testing.T) {
	m := &ftp.Memory{MaxBytes: 10}
	require.NoError(t, m.Mkdir("/d"))
	for _, text := range []string{"123456", "", "1234567890"} {
		ours := []byte(text)
		require.NoError(t, m.WriteFile("/d/a", ours))
		clear(ours)
		got, err := m.ReadFile("/d/a")
		require.NoError(t, err)
		assert.Equal(t, text, string(got))
		clear(got)
		got, _ = m.ReadFile("/d/a")
		assert.Equal(t, text, string(got), "it is a copy")
	}
	for name, want := range map[string]error{"/d": ftp.ErrNotRegular, "/x/y": fs.ErrNotExist, "a": fs.ErrInvalid} {
		assert.ErrorIs(t, m.WriteFile(name, nil), want, name)
		_, err := m.ReadFile(name)
		assert.ErrorIs(t, err, want, name)
	}
	_, err := m.ReadFile("/d/none")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorIs(t, m.WriteFile("/d/b", []byte("x")), ftp.ErrQuota)
	require.NoError(t, m.Remove("/d/a"))
	assert.NoError(t, m.WriteFile("/d/b", []byte("1234567890")), "what failed takes no room")
}
