package hosttest

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// SmallDisk is a folder on a file system of its own. Only root can make one.
func SmallDisk(t testing.TB, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("NOT TESTED: a full disk, for no tmpfs can be mounted: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, 0)) })
	return dir
}
