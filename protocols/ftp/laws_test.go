package ftp_test

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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

// fileLaws are what all Files have in common. Each is told of files that are stocked.
var fileLaws = []struct {
	name string
	law  func(t *testing.T, f ftp.Files)
}{
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
	{"files and folders are removed each by its own", func(t *testing.T, f ftp.Files) {
		assert.ErrorIs(t, f.Remove("/e"), ftp.ErrNotRegular)
		assert.ErrorIs(t, f.RemoveDir("/a.txt"), ftp.ErrNotFolder)
		assert.ErrorIs(t, f.RemoveDir("/d"), ftp.ErrNotEmpty)
		assert.NoError(t, f.RemoveDir("/e"))
		assert.NoError(t, f.Remove("/d/b.txt"))
		assert.NoError(t, f.RemoveDir("/d"))
		assert.NoError(t, f.Remove("/a.txt"))
		assert.Empty(t, names(t, f, "/"))
	}},
	{"the folder of all stays as it is", func(t *testing.T, f ftp.Files) {
		for _, err := range []error{
			f.Remove("/"), f.RemoveDir("/"), f.Rename("/", "/x"), f.Rename("/d", "/"), f.Rename("/", "/"),
			f.Chmod("/", 0), f.Chtimes("/", time.Unix(0, 0)),
		} {
			assert.ErrorIs(t, err, fs.ErrPermission)
		}
		assert.ErrorIs(t, f.Mkdir("/"), fs.ErrExist)
		assert.Len(t, names(t, f, "/"), 3)
	}},
	{"a rename moves, and replaces a file", func(t *testing.T, f ftp.Files) {
		require.NoError(t, f.Rename("/a.txt", "/d/b.txt"))
		assert.Equal(t, "aaa", get(f, "/d/b.txt"))
		require.NoError(t, f.Rename("/d", "/e/d2"))
		assert.Equal(t, "aaa", get(f, "/e/d2/b.txt"))
		assert.Equal(t, []string{"e/"}, names(t, f, "/"))
		assert.NoError(t, f.Rename("/e", "/e"))
		assert.NoError(t, f.Rename("/e/d2/b.txt", "/e/d2/b.txt"))
		assert.Equal(t, []string{"b.txt"}, names(t, f, "/e/d2"))
	}},
	{"a rename replaces no folder, and no folder replaces", func(t *testing.T, f ftp.Files) {
		assert.ErrorIs(t, f.Rename("/a.txt", "/d"), fs.ErrExist)
		assert.ErrorIs(t, f.Rename("/d", "/e"), fs.ErrExist)
		assert.ErrorIs(t, f.Rename("/d", "/a.txt"), fs.ErrExist)
		assert.ErrorIs(t, f.Rename("/d/b.txt", "/d"), fs.ErrExist)
		assert.ErrorIs(t, f.Rename("/d", "/d/x"), syscall.EINVAL)
		assert.ErrorIs(t, f.Rename("/d", "/d/x/y"), syscall.EINVAL)
		assert.NoError(t, f.Rename("/d", "/dx"))
	}},
	{"what is not there is not there", func(t *testing.T, f ftp.Files) {
		for _, name := range []string{"/x", "/x/y", "/d/x", "/a.txt/x", "/a.txt/x/y"} {
			_, err := f.Stat(name)
			assert.ErrorIs(t, err, fs.ErrNotExist, name)
			_, err = f.Open(name)
			assert.ErrorIs(t, err, fs.ErrNotExist, name)
			for _, err := range []error{
				f.ReadDir(name, nil), f.Remove(name), f.RemoveDir(name), f.Rename(name, "/z"),
				f.Chmod(name, 0o644), f.Chtimes(name, time.Unix(0, 0)),
			} {
				assert.ErrorIs(t, err, fs.ErrNotExist, name)
			}
		}
		for _, name := range []string{"/x/y", "/a.txt/x", "/a.txt/x/y"} {
			assert.ErrorIs(t, f.Mkdir(name), fs.ErrNotExist, name)
			assert.ErrorIs(t, put(f, name, ""), fs.ErrNotExist, name)
			assert.ErrorIs(t, putUnique(f, name, ""), fs.ErrNotExist, name)
			assert.ErrorIs(t, putAt(f, name, -1, ""), fs.ErrNotExist, name)
			assert.ErrorIs(t, f.Rename("/d", name), fs.ErrNotExist, name)
		}
	}},
	{"files are no folders, and folders no files", func(t *testing.T, f ftp.Files) {
		assert.ErrorIs(t, f.ReadDir("/a.txt", nil), ftp.ErrNotFolder)
		_, err := f.Open("/d")
		assert.ErrorIs(t, err, ftp.ErrNotRegular)
		_, err = f.Open("/")
		assert.ErrorIs(t, err, ftp.ErrNotRegular)
		assert.ErrorIs(t, f.Mkdir("/d"), fs.ErrExist)
		assert.ErrorIs(t, f.Mkdir("/a.txt"), fs.ErrExist)
	}},
	{"modes have nine bits", func(t *testing.T, f ftp.Files) {
		require.NoError(t, f.Chmod("/a.txt", 0o640|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
		require.NoError(t, f.Chmod("/d", 0o750|fs.ModeSetgid))
		info, err := f.Stat("/a.txt")
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o640), info.Mode())
		info, err = f.Stat("/d")
		require.NoError(t, err)
		assert.Equal(t, fs.ModeDir|0o750, info.Mode())
	}},
	{"times are set", func(t *testing.T, f ftp.Files) {
		at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
		for _, name := range []string{"/a.txt", "/d"} {
			require.NoError(t, f.Chtimes(name, at))
			info, err := f.Stat(name)
			require.NoError(t, err)
			assert.True(t, at.Equal(info.ModTime()))
		}
	}},
	{"names are bytes", func(t *testing.T, f ftp.Files) {
		odd := []string{" ", "*", "-l", "...", "[x]", `\`, "~", "\x01", "\x7f", "\u00e9", ".torsion"}
		if runtime.GOOS == "linux" { // elsewhere file systems have a say
			odd = append(odd, "A", "a", "\xff\xfe", "e\u0301")
		}
		slices.Sort(odd)
		for _, name := range odd {
			require.NoError(t, put(f, "/e/"+name, name), "%q", name)
		}
		assert.Equal(t, odd, names(t, f, "/e"))
		for _, name := range odd {
			assert.Equal(t, name, get(f, "/e/"+name))
		}
	}},
	{"names are absolute and clean", func(t *testing.T, f ftp.Files) {
		for _, name := range []string{"", "a.txt", ".", "..", "/..", "/d/../a.txt", "/d/", "//d", "/./d", "/../../etc/passwd"} {
			_, err := f.Stat(name)
			assert.ErrorIs(t, err, fs.ErrInvalid, name)
			_, err = f.Open(name)
			assert.ErrorIs(t, err, fs.ErrInvalid, name)
			for _, err := range []error{
				f.ReadDir(name, nil), f.Remove(name), f.RemoveDir(name), f.Rename(name, "/z"), f.Rename("/d", name),
				f.Chmod(name, 0o644), f.Chtimes(name, time.Unix(0, 0)), f.Mkdir(name),
				put(f, name, ""), putUnique(f, name, ""), putAt(f, name, -1, ""),
			} {
				assert.ErrorIs(t, err, fs.ErrInvalid, name)
			}
		}
	}},
	{"sessions do not mind each other", func(t *testing.T, f ftp.Files) {
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() { busy(t, f, fmt.Sprint("/e/", i)) })
		}
		all.Wait()
		assert.Empty(t, names(t, f, "/e"))
	}},
}

// busy makes, reads, moves and removes in a folder of its own and in one of all.
func busy(t *testing.T, f ftp.Files, dir string) {
	for range 10 {
		assert.NoError(t, f.Mkdir(dir))
		assert.NoError(t, put(f, dir+"/x", "x"))
		assert.NoError(t, put(f, "/d/b.txt", "new"))
		assert.NoError(t, putAt(f, dir+"/x", -1, "y"))
		assert.Contains(t, []string{"bbb", "new"}, get(f, "/d/b.txt"))
		assert.NoError(t, f.Rename(dir+"/x", dir+"/y"))
		assert.NoError(t, f.ReadDir("/e", func(info fs.FileInfo) bool { return true }))
		assert.Equal(t, "xy", get(f, dir+"/y"))
		assert.NoError(t, f.Remove(dir+"/y"))
		assert.NoError(t, f.RemoveDir(dir))
	}
}

// All laws hold for all Files.
func TestFilesKeepLaws(t *testing.T) {
	for kind, fresh := range map[string]func(t *testing.T) ftp.Files{
		"root":       func(t *testing.T) ftp.Files { return &ftp.Root{Dir: t.TempDir()} },
		"root sync":  func(t *testing.T) ftp.Files { return &ftp.Root{Dir: t.TempDir(), Sync: true} },
		"root quota": func(t *testing.T) ftp.Files { return &ftp.Root{Dir: t.TempDir(), Quota: 1 << 30} },
		"memory":     func(*testing.T) ftp.Files { return new(ftp.Memory) },
	} {
		for _, l := range fileLaws {
			t.Run(kind+"/"+l.name, func(t *testing.T) { l.law(t, stocked(t, fresh(t))) })
		}
	}
}
