package ftp

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What a file system refuses for good is no error of the server's, and is not logged.
func TestRepliesOfFileSystems(t *testing.T) {
	w := newWorld(t)
	w.passive()
	before := w.logs.Len()
	for errno, want := range map[syscall.Errno]string{
		syscall.EROFS: "550 Nothing can be changed here", syscall.EXDEV: "550 Cannot be moved there",
		syscall.EDQUOT: "552 Quota exceeded", syscall.EBUSY: "450 Busy, try again later", syscall.ENOSPC: "452 Insufficient storage space",
	} {
		e := w.channel.s.errorOf(fmt.Errorf("rename: %w", errno))
		assert.Equal(t, want, fmt.Sprint(e.Code, " ", e.Text))
	}
	assert.Equal(t, before, w.logs.Len())
}
