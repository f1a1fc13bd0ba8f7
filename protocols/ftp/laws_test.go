package ftp_test

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// fill writes a file through Create or Append.
func fill(text string, begin func() (ftp.Upload, error)) error {
	u, err := begin()
	if err != nil {
		return err
	}
	defer u.Close()
	if _, err := io.WriteString(u, text); err != nil {
		return err
	}
	if err := u.Commit(); err != nil {
		return err
	}
	return u.Close()
}

func put(f ftp.Files, name, text string) error {
	return fill(text, func() (ftp.Upload, error) { return f.Create(name, false) })
}

func putUnique(f ftp.Files, name, text string) error {
	return fill(text, func() (ftp.Upload, error) { return f.Create(name, true) })
}

func putAt(f ftp.Files, name string, off int64, text string) error {
	return fill(text, func() (ftp.Upload, error) { return f.Append(name, off) })
}

// get is what is in a file, or the error.
func get(f ftp.Files, name string) string {
	file, err := f.Open(name)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<40))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// names lists a folder; folders end in a slash.
func names(t *testing.T, f ftp.Files, dir string) (all []string) {
	t.Helper()
	require.NoError(t, f.ReadDir(dir, func(info fs.FileInfo) bool {
		name := info.Name()
		if info.IsDir() {
			name += "/"
		}
		all = append(all, name)
		return true
	}))
	return all
}

// stocked has /a.txt with "aaa", /d/b.txt with "bbb", and the empty folder /e.
func stocked(t *testing.T, f ftp.Files) ftp.Files {
	t.Helper()
	require.NoError(t, f.Mkdir("/d"))
	require.NoError(t, f.Mkdir("/e"))
	require.NoError(t, put(f, "/a.txt", "aaa"))
	require.NoError(t, put(f, "/d/b.txt", "bbb"))
	return f
}

// A fileLaw is what all Files have in common. It is told of files that are stocked.
type fileLaw struct {
	name string
	law  func(t *testing.T, f ftp.Files)
}

// uploadLaws are those of reading and writing.
var uploadLaws = []fileLaw{
	{"stat describes files and folders", func(t *testing.T, f ftp.Files) {
		for _, name := range []string{"/", "/d", "/e", "/a.txt", "/d/b.txt"} {
			info, err := f.Stat(name)
			require.NoError(t, err)
			assert.Equal(t, path.Base(name), info.Name())
			assert.Equal(t, !strings.HasSuffix(name, "txt"), info.IsDir())
			if !info.IsDir() {
				assert.True(t, info.Mode().IsRegular())
				assert.EqualValues(t, 3, info.Size())
			}
		}
	}},
	{"folders are listed by name until each is false", func(t *testing.T, f ftp.Files) {
		assert.Equal(t, []string{"a.txt", "d/", "e/"}, names(t, f, "/"))
		assert.Equal(t, []string{"b.txt"}, names(t, f, "/d"))
		assert.Empty(t, names(t, f, "/e"))
		calls := 0
		assert.NoError(t, f.ReadDir("/", func(fs.FileInfo) bool { calls++; return calls < 2 }))
		assert.Equal(t, 2, calls)
	}},
	{"files are read at any place", func(t *testing.T, f ftp.Files) {
		require.NoError(t, put(f, "/x", "0123456789"))
		file, err := f.Open("/x")
		require.NoError(t, err)
		defer file.Close()
		info, err := file.Stat()
		require.NoError(t, err)
		assert.EqualValues(t, 10, info.Size())
		b := make([]byte, 4)
		n, err := file.ReadAt(b, 3)
		assert.NoError(t, err)
		assert.Equal(t, "3456", string(b[:n]))
		n, err = file.ReadAt(b, 8)
		assert.Equal(t, "89", string(b[:n]))
		assert.Equal(t, io.EOF, err)
		n, err = file.ReadAt(b, 100)
		assert.Zero(t, n)
		assert.Equal(t, io.EOF, err)
		_, err = file.ReadAt(b, -1)
		assert.Error(t, err)
	}},
	{"an upload is not there before Commit", func(t *testing.T, f ftp.Files) {
		u, err := f.Create("/new", false)
		require.NoError(t, err)
		_, err = io.WriteString(u, "half")
		require.NoError(t, err)
		_, err = f.Stat("/new")
		assert.ErrorIs(t, err, fs.ErrNotExist)
		assert.NotContains(t, names(t, f, "/"), "new")
		assert.Len(t, names(t, f, "/"), 3)
		require.NoError(t, u.Commit())
		assert.Equal(t, "half", get(f, "/new"))
		assert.NoError(t, u.Close())
		assert.NoError(t, u.Close())
		assert.Equal(t, "half", get(f, "/new"))
	}},
	{"an upload without Commit leaves what was", func(t *testing.T, f ftp.Files) {
		for _, name := range []string{"/a.txt", "/new"} {
			u, err := f.Create(name, false)
			require.NoError(t, err)
			_, err = io.WriteString(u, "half")
			require.NoError(t, err)
			assert.NoError(t, u.Close())
			assert.NoError(t, u.Close())
		}
		assert.Equal(t, "aaa", get(f, "/a.txt"))
		assert.Equal(t, []string{"a.txt", "d/", "e/"}, names(t, f, "/"))
	}},
	{"a file may be empty", func(t *testing.T, f ftp.Files) {
		require.NoError(t, put(f, "/a.txt", ""))
		assert.Empty(t, get(f, "/a.txt"))
	}},
	{"who reads keeps the file that was replaced", func(t *testing.T, f ftp.Files) {
		old, err := f.Open("/a.txt")
		require.NoError(t, err)
		defer old.Close()
		require.NoError(t, put(f, "/a.txt", "new"))
		b := make([]byte, 3)
		_, err = old.ReadAt(b, 0)
		require.NoError(t, err)
		assert.Equal(t, "aaa", string(b))
		assert.Equal(t, "new", get(f, "/a.txt"))
	}},
	{"a file that replaces another has its mode", func(t *testing.T, f ftp.Files) {
		require.NoError(t, f.Chmod("/a.txt", 0o604))
		require.NoError(t, put(f, "/a.txt", "new"))
		info, err := f.Stat("/a.txt")
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o604), info.Mode())
	}},
	{"a unique upload replaces nothing", func(t *testing.T, f ftp.Files) {
		_, err := f.Create("/a.txt", true)
		assert.ErrorIs(t, err, fs.ErrExist)
		_, err = f.Create("/d", true)
		assert.ErrorIs(t, err, fs.ErrExist)
		u, err := f.Create("/new", true)
		require.NoError(t, err)
		require.NoError(t, put(f, "/new", "first"))
		assert.ErrorIs(t, u.Commit(), fs.ErrExist)
		assert.NoError(t, u.Close())
		assert.Equal(t, "first", get(f, "/new"))
		assert.NoError(t, putUnique(f, "/newer", "x"))
		assert.Equal(t, "x", get(f, "/newer"))
		assert.Equal(t, []string{"a.txt", "d/", "e/", "new", "newer"}, names(t, f, "/"))
	}},
	{"of many unique uploads one has the name", func(t *testing.T, f ftp.Files) {
		var all sync.WaitGroup
		var won atomic.Int32
		for i := range 8 {
			all.Go(func() {
				if putUnique(f, "/d/one", fmt.Sprint(i)) == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, won.Load())
		assert.Equal(t, []string{"b.txt", "one"}, names(t, f, "/d"))
	}},
	{"of many uploads one is whole", func(t *testing.T, f ftp.Files) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				assert.NoError(t, put(f, "/d/one", strings.Repeat(fmt.Sprint(i), 100_000)))
			})
		}
		all.Wait()
		text := get(f, "/d/one")
		assert.Equal(t, text, strings.Repeat(text[:1], 100_000))
	}},
	{"an upload replaces no folder", func(t *testing.T, f ftp.Files) {
		for _, name := range []string{"/", "/d", "/e"} {
			_, err := f.Create(name, false)
			assert.ErrorIs(t, err, ftp.ErrNotRegular, name)
			_, err = f.Append(name, -1)
			assert.ErrorIs(t, err, ftp.ErrNotRegular, name)
		}
		u, err := f.Create("/new", false)
		require.NoError(t, err)
		require.NoError(t, f.Mkdir("/new"))
		assert.ErrorIs(t, u.Commit(), fs.ErrExist)
		assert.NoError(t, u.Close())
		assert.Empty(t, names(t, f, "/new"))
	}},
	{"an append is at the end, or from an offset on", func(t *testing.T, f ftp.Files) {
		require.NoError(t, putAt(f, "/a.txt", -1, "bbb"))
		assert.Equal(t, "aaabbb", get(f, "/a.txt"))
		require.NoError(t, putAt(f, "/a.txt", 6, "ccc"))
		assert.Equal(t, "aaabbbccc", get(f, "/a.txt"))
		require.NoError(t, putAt(f, "/a.txt", 1, "X"))
		assert.Equal(t, "aXabbbccc", get(f, "/a.txt"))
		require.NoError(t, putAt(f, "/a.txt", 8, "YZ"))
		assert.Equal(t, "aXabbbccYZ", get(f, "/a.txt"))
		require.NoError(t, putAt(f, "/a.txt", 0, "00"))
		assert.Equal(t, "00abbbccYZ", get(f, "/a.txt"))
	}},
	{"an append makes a file at its beginning only", func(t *testing.T, f ftp.Files) {
		require.NoError(t, putAt(f, "/n1", -1, "x"))
		require.NoError(t, putAt(f, "/n2", 0, "y"))
		assert.Equal(t, "xy", get(f, "/n1")+get(f, "/n2"))
		assert.ErrorIs(t, putAt(f, "/n3", 1, "z"), fs.ErrNotExist)
		_, err := f.Stat("/n3")
		assert.ErrorIs(t, err, fs.ErrNotExist)
	}},
	{"an append leaves no hole", func(t *testing.T, f ftp.Files) {
		for _, off := range []int64{4, 1 << 62} {
			_, err := f.Append("/a.txt", off)
			assert.ErrorIs(t, err, syscall.EINVAL)
		}
		assert.Equal(t, "aaa", get(f, "/a.txt"))
	}},
	{"what was appended stays without Commit", func(t *testing.T, f ftp.Files) {
		u, err := f.Append("/a.txt", -1)
		require.NoError(t, err)
		_, err = io.WriteString(u, "more")
		require.NoError(t, err)
		assert.Equal(t, "aaamore", get(f, "/a.txt"))
		assert.NoError(t, u.Close())
		assert.NoError(t, u.Close())
		assert.Equal(t, "aaamore", get(f, "/a.txt"))
	}},
	{"nothing is written or committed after the end", func(t *testing.T, f ftp.Files) {
		for _, commit := range []bool{true, false} {
			for _, name := range []string{"/a.txt", "/new"} {
				for _, begin := range []func() (ftp.Upload, error){
					func() (ftp.Upload, error) { return f.Create(name, false) },
					func() (ftp.Upload, error) { return f.Append(name, -1) },
				} {
					u, err := begin()
					require.NoError(t, err)
					if commit {
						require.NoError(t, u.Commit())
					} else {
						require.NoError(t, u.Close())
					}
					_, err = io.WriteString(u, "x")
					assert.ErrorIs(t, err, fs.ErrClosed)
					assert.ErrorIs(t, u.Commit(), fs.ErrClosed)
					assert.NoError(t, u.Close())
				}
			}
		}
	}},
}

// All laws hold for all Files.
func TestFilesKeepLaws(t *testing.T) {
	for kind, fresh := range map[string]func(t *testing.T) ftp.Files{
		"root":       func(t *testing.T) ftp.Files { return &ftp.Root{Dir: t.TempDir()} },
		"root sync":  func(t *testing.T) ftp.Files { return &ftp.Root{Dir: t.TempDir(), Sync: true} },
		"root quota": func(t *testing.T) ftp.Files { return &ftp.Root{Dir: t.TempDir(), Quota: 1 << 30} },
		"memory":     func(*testing.T) ftp.Files { return new(ftp.Memory) },
	} {
		for _, l := range slices.Concat(uploadLaws, nameLaws) {
			t.Run(kind+"/"+l.name, func(t *testing.T) { l.law(t, stocked(t, fresh(t))) })
		}
	}
}
