package ftp_test

import (
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// nameLaws are those of names, folders, modes and times.
var nameLaws = []fileLaw{
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
