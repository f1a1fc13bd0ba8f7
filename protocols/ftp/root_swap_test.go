//go:build unix

package ftp_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// swapping has what stands under a name change between two, all the time, until stop.
func swapping(t *testing.T, dir, name string, others ...string) (stop func()) {
	t.Helper()
	var done sync.WaitGroup
	end := make(chan struct{})
	done.Go(func() {
		for {
			for _, other := range others {
				from, to := filepath.Join(dir, other), filepath.Join(dir, name)
				assert.NoError(t, os.Rename(from, to))
				assert.NoError(t, os.Rename(to, from))
			}
			select {
			case <-end:
				return
			default:
			}
		}
	})
	return func() { close(end); done.Wait() }
}

// A folder that becomes a link outside in any moment leads nowhere.
func TestRootSurvivesSwappedFolders(t *testing.T) {
	r, dir, outside := jail(t)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "d1"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d1", "secret"), []byte("public"), 0o644))
	require.NoError(t, os.Symlink("..", filepath.Join(dir, "d2")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "d3"), 0o666))
	stop := swapping(t, dir, "x", "d1", "d2", "d3")
	for range 1000 {
		assert.NotEqual(t, "secret", get(r, "/x/secret"))
		_ = put(r, "/x/secret", "public")
		_ = putAt(r, "/x/secret", 0, "public")
		_ = r.Rename("/a.txt", "/x/a.txt")
		_ = r.Rename("/x/a.txt", "/a.txt")
		_ = r.Mkdir("/x/new")
		_ = r.RemoveDir("/x/new")
		_ = r.ReadDir("/x", func(fs.FileInfo) bool { return true })
	}
	stop()
	secret, err := os.ReadFile(filepath.Join(outside, "secret"))
	require.NoError(t, err)
	assert.Equal(t, "secret", string(secret))
	left, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Len(t, left, 3)
}

// A file that becomes a pipe in any moment is not waited for.
func TestRootSurvivesSwappedFiles(t *testing.T) {
	r, dir, _ := jail(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f1"), []byte("public"), 0o644))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "f2"), 0o666))
	stop := swapping(t, dir, "x", "f1", "f2")
	for range 1000 {
		if f, err := r.Open("/x"); err == nil {
			info, err := f.Stat()
			assert.NoError(t, err)
			assert.True(t, info.Mode().IsRegular())
			assert.NoError(t, f.Close())
		}
		_ = putAt(r, "/x", 3, "lic")
	}
	stop()
	text, err := os.ReadFile(filepath.Join(dir, "f1"))
	require.NoError(t, err)
	assert.Equal(t, "public", string(text))
}
