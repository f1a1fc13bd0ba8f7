package ftp_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocols/ftp"
)

// summed is a text that says whether it is whole.
func summed(id int, version string) string {
	body := strings.Repeat(fmt.Sprint(version, id, "\n"), 1+id*7%5000)
	return fmt.Sprintf("%x\n%s", sha256.Sum256([]byte(body)), body)
}

// whole reports whether a text is all that was to be in it.
func whole(text string) bool {
	sum, body, ok := strings.Cut(text, "\n")
	return ok && sum == fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
}

// uploadName spreads the uploads over folders; every third replaces a file.
func uploadName(id int) string { return fmt.Sprintf("/%d/%d", id%5, id) }

// uploadAll is the child: it says which uploads are done, until it is killed.
func uploadAll(t *testing.T, r *ftp.Root) {
	const sessions = 4
	var all sync.WaitGroup
	for g := range sessions {
		all.Go(func() {
			for id := g; id < 100_000; id += sessions {
				if assert.NoError(t, uploadOne(r, id)) {
					hosttest.Safe(id)
				}
			}
		})
	}
	all.Wait()
}

// uploadOne writes in pieces, as a server does.
func uploadOne(r *ftp.Root, id int) error {
	u, err := r.Create(uploadName(id), id%3 == 1)
	if err != nil {
		return err
	}
	defer u.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{u}, strings.NewReader(summed(id, "new")), make([]byte, 4096)); err != nil {
		return err
	}
	return u.Commit()
}

// When the process is killed, at whatever moment, every upload that was said to be done
// is there, nothing is under its name that is not whole, and what is left over is hidden
// and goes away.
func TestRootSurvivesKill(t *testing.T) {
	if dir := hosttest.Told(); dir != "" {
		uploadAll(t, &ftp.Root{Dir: dir})
		return
	}
	r := &ftp.Root{Dir: t.TempDir()}
	for id := range 5 {
		require.NoError(t, r.Mkdir(fmt.Sprint("/", id)))
	}
	for id := 0; id < 2000; id += 3 {
		require.NoError(t, put(r, uploadName(id), summed(id, "old")))
	}
	done := hosttest.UntilKilled(t, hosttest.Child(t, r.Dir), 1000)
	for id := range done {
		assert.True(t, get(r, uploadName(id)) == summed(id, "new"), "%d was done", id)
	}
	for id := range 5 {
		folder := fmt.Sprint("/", id)
		for _, name := range names(t, r, folder) {
			assert.True(t, whole(get(r, folder+"/"+name)), "%s is half", name)
		}
		sweptAway(t, r, folder)
	}
}

// sweptAway has a day go by.
func sweptAway(t *testing.T, r *ftp.Root, folder string) {
	t.Helper()
	before := names(t, r, folder)
	hidden := filepath.Join(r.Dir, folder, ".torsion-*")
	left, err := filepath.Glob(hidden)
	require.NoError(t, err)
	t.Logf("%d files and %d left over in %s", len(before), len(left), folder)
	for _, file := range left {
		require.NoError(t, os.Chtimes(file, time.Time{}, time.Now().Add(-25*time.Hour)))
	}
	// The Root has seen to the folder when the files were made that are replaced.
	other := &ftp.Root{Dir: r.Dir}
	require.NoError(t, put(other, folder+"/last", ""))
	left, err = filepath.Glob(hidden)
	require.NoError(t, err)
	assert.Empty(t, left)
	require.NoError(t, other.Remove(folder+"/last"))
	assert.Equal(t, before, names(t, r, folder))
}

// A full disk loses nothing and leaves nothing, and is used again when it has room: out of
// bytes, and out of files.
func TestRootFullDisk(t *testing.T) {
	for options, size := range map[string]int{"size=1m": 50_000, "size=4m,nr_inodes=20": 10} {
		r := &ftp.Root{Dir: hosttest.SmallDisk(t, options)}
		defer r.Close()
		var taken []string
		var err error
		for err == nil {
			name := fmt.Sprintf("/%03d", len(taken))
			if err = put(r, name, strings.Repeat("x", size)); err == nil {
				taken = append(taken, name[1:])
			}
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
		assert.NotContains(t, err.Error(), r.Dir)
		require.ErrorIs(t, put(r, "/000", strings.Repeat("y", 2*size)), syscall.ENOSPC)
		assert.Equal(t, taken, names(t, r, "/"))
		assert.Len(t, tree(t, r.Dir), len(taken), "nothing is left over")
		assert.Equal(t, strings.Repeat("x", size), get(r, "/000"), "what was to be replaced")
		require.NoError(t, r.Remove("/001"))
		assert.NoError(t, put(r, "/001", strings.Repeat("z", size)))
	}
}

// A disk that is full in the midst of a file keeps what was appended until then.
func TestRootFullDiskAppend(t *testing.T) {
	r := &ftp.Root{Dir: hosttest.SmallDisk(t, "size=1m")}
	defer r.Close()
	u, err := r.Append("/x", -1)
	require.NoError(t, err)
	total := 0
	for err == nil {
		var n int
		n, err = io.WriteString(u, strings.Repeat("x", 10_000))
		total += n
	}
	assert.ErrorIs(t, err, syscall.ENOSPC)
	assert.ErrorIs(t, u.Commit(), syscall.ENOSPC)
	info, err := r.Stat("/x")
	require.NoError(t, err)
	assert.EqualValues(t, total, info.Size())
}

// What a mode forbids is fs.ErrPermission; who is root is forbidden nothing.
func TestRootHeedsPermissions(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("NOT TESTED: permissions, for root has them all")
	}
	r, dir, _ := jail(t)
	require.NoError(t, os.Chmod(filepath.Join(dir, "d"), 0o500))
	defer os.Chmod(filepath.Join(dir, "d"), 0o700)
	assert.ErrorIs(t, put(r, "/d/x", ""), fs.ErrPermission)
	assert.ErrorIs(t, r.Remove("/d/b.txt"), fs.ErrPermission)
	assert.ErrorIs(t, r.Mkdir("/d/x"), fs.ErrPermission)
}
