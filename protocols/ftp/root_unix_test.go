//go:build unix

package ftp_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// Pipes, sockets and devices are listed and may be removed, and are never opened:
// nothing waits for them.
func TestRootOpensOnlyRegularFiles(t *testing.T) {
	r, dir, _ := jail(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666))
	s, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	defer syscall.Close(s)
	t.Chdir(dir) // the name of a socket is short
	require.NoError(t, syscall.Bind(s, &syscall.SockaddrUnix{Name: "socket"}))
	special := []string{"/pipe", "/socket"}
	if err := syscall.Mknod(filepath.Join(dir, "null"), syscall.S_IFCHR|0o666, 1<<8|3); err == nil {
		special = append(special, "/null")
	}
	require.NoError(t, os.Symlink("pipe", filepath.Join(dir, "link")))
	for _, name := range append(special, "/link") {
		_, err := r.Open(name)
		assert.ErrorIs(t, err, ftp.ErrNotRegular, name)
		assert.ErrorIs(t, put(r, name, "x"), ftp.ErrNotRegular, name)
		assert.ErrorIs(t, putUnique(r, name, "x"), fs.ErrExist, name)
		assert.ErrorIs(t, putAt(r, name, -1, "x"), ftp.ErrNotRegular, name)
		assert.ErrorIs(t, r.ReadDir(name, nil), ftp.ErrNotFolder, name)
		assert.ErrorIs(t, r.Mkdir(name), fs.ErrExist, name)
		assert.ErrorIs(t, put(r, name+"/x", "x"), fs.ErrNotExist, name)
		assert.ErrorIs(t, r.ReadDir(name+"/x", nil), fs.ErrNotExist, name)
		info, err := r.Stat(name)
		require.NoError(t, err)
		assert.False(t, info.Mode().IsRegular())
		assert.Contains(t, names(t, r, "/"), name[1:])
	}
	for _, name := range special {
		assert.NoError(t, r.Rename(name, name+"2"))
		assert.NoError(t, r.Remove(name+"2"))
	}
}

// New files are 0644 and folders 0755, less the umask.
func TestRootModesOfNew(t *testing.T) {
	r, _, _ := jail(t)
	defer syscall.Umask(syscall.Umask(0o027))
	require.NoError(t, put(r, "/n1", ""))
	require.NoError(t, putAt(r, "/n2", -1, ""))
	require.NoError(t, r.Mkdir("/n3"))
	for name, mode := range map[string]fs.FileMode{"/n1": 0o640, "/n2": 0o640, "/n3": fs.ModeDir | 0o750} {
		info, err := r.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode(), name)
	}
}
