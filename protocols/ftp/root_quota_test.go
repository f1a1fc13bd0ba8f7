package ftp

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tryPut writes a file, or says why not.
func tryPut(r *Root, name, text string) error {
	u, err := r.Create(name, false)
	if err != nil {
		return err
	}
	defer u.Close()
	if _, err := io.WriteString(u, text); err != nil {
		return err
	}
	return u.Commit()
}

// What other programs remove makes room, but is looked for once a minute only.
func TestRootQuotaCountsAgain(t *testing.T) {
	r := &Root{Dir: t.TempDir(), Quota: 100}
	require.NoError(t, tryPut(r, "/a", string(make([]byte, 90))))
	require.NoError(t, os.Remove(filepath.Join(r.Dir, "a")))
	assert.ErrorIs(t, tryPut(r, "/b", string(make([]byte, 50))), ErrQuota)
	r.used.counted = r.used.counted.Add(-countEvery)
	assert.NoError(t, tryPut(r, "/b", string(make([]byte, 50))))
	assert.Equal(t, tally{50, 1}, r.used.used)
	assert.Zero(t, r.used.pending)
}

// surveyed is a Root whose counts begin and end when they are told to.
type surveyed struct {
	Root
	begun chan bool
	end   chan error
	found *tally // by the next count, instead of what is there
}

func newSurveyed(t *testing.T, quota int64) *surveyed {
	c := &surveyed{Root: Root{Dir: t.TempDir(), Quota: quota}, begun: make(chan bool), end: make(chan error)}
	c.used.walk = func(root *os.Root, atMost int64) (tally, error) {
		c.begun <- true
		if err := <-c.end; err != nil {
			return tally{}, err
		}
		if c.found != nil {
			return *c.found, nil
		}
		return count(root, atMost)
	}
	return c
}

// putting writes a file meanwhile.
func (c *surveyed) putting(name string, n int) <-chan error {
	done := make(chan error, 1)
	go func() { done <- tryPut(&c.Root, name, string(make([]byte, n))) }()
	return done
}

// full is one that has 90 bytes of 100, and has been counted a minute ago.
func full(t *testing.T) *surveyed {
	c := newSurveyed(t, 100)
	done := c.putting("/a", 90)
	<-c.begun
	c.end <- nil
	require.NoError(t, <-done)
	require.NoError(t, c.Mkdir("/d"))
	c.used.counted = c.used.counted.Add(-countEvery)
	return c
}

// Files are counted once for all who wait for that.
func TestRootCountsOnce(t *testing.T) {
	c := newSurveyed(t, 100)
	var all []<-chan error
	for _, name := range []string{"/a", "/b", "/c", "/d"} {
		all = append(all, c.putting(name, 20))
	}
	<-c.begun
	c.end <- nil
	for _, done := range all {
		assert.NoError(t, <-done)
	}
	assert.Equal(t, tally{80, 4}, c.used.used)
	assert.Equal(t, 1, c.used.counts)
}

// Whoever has room goes on while files are counted, and nobody else waits for that: files
// are uploaded, renamed and removed. Only folders stay where they are.
func TestRootGoesOnWhileCounted(t *testing.T) {
	c := full(t)
	big := c.putting("/big", 50)
	<-c.begun
	assert.ErrorIs(t, tryPut(&c.Root, "/huge", string(make([]byte, 60))), syscall.EBUSY, "there may be room soon")
	assert.NoError(t, tryPut(&c.Root, "/small", "12345"))
	assert.NoError(t, c.Rename("/small", "/d/small"))
	assert.ErrorIs(t, c.Rename("/d", "/e"), syscall.EBUSY)
	assert.NoError(t, c.Remove("/a"))
	c.end <- nil
	assert.NoError(t, <-big)
	there, err := count(c.root, 100)
	require.NoError(t, err)
	assert.Equal(t, tally{55, 3}, there)
	assert.GreaterOrEqual(t, c.used.used.bytes, there.bytes)
	assert.GreaterOrEqual(t, c.used.used.entries, there.entries)
	assert.NoError(t, c.Rename("/d", "/e"))
	assert.Zero(t, c.used.pending)
}

// That files cannot be counted is found out once a minute, and not by each upload.
func TestRootRemembersFailedCounts(t *testing.T) {
	c := newSurveyed(t, 100)
	big := c.putting("/big", 50)
	<-c.begun
	c.end <- syscall.EIO
	assert.ErrorIs(t, <-big, syscall.EIO)
	for range 3 {
		assert.ErrorIs(t, tryPut(&c.Root, "/small", "1"), syscall.EIO)
	}
	assert.ErrorIs(t, c.Mkdir("/e"), syscall.EIO)
	c.used.counted = c.used.counted.Add(-countEvery)
	big = c.putting("/small", 5)
	<-c.begun
	c.end <- nil
	assert.NoError(t, <-big)
	assert.Equal(t, tally{5, 1}, c.used.used)
}

// What was counted once holds when it cannot be counted again: only who tried is told.
func TestRootKeepsWhatItCounted(t *testing.T) {
	c := full(t)
	big := c.putting("/big", 50)
	<-c.begun
	c.end <- syscall.EIO
	assert.ErrorIs(t, <-big, syscall.EIO)
	assert.NoError(t, tryPut(&c.Root, "/small", "1"))
	assert.ErrorIs(t, tryPut(&c.Root, "/big", string(make([]byte, 50))), ErrQuota)
	assert.Equal(t, tally{91, 3}, c.used.used)
	c.used.counted = c.used.counted.Add(-countEvery)
	big = c.putting("/big", 50)
	<-c.begun
	c.end <- ErrQuota
	assert.ErrorIs(t, <-big, ErrQuota)
	assert.ErrorIs(t, tryPut(&c.Root, "/tiny", "1"), ErrQuota)
}

// A folder that is there is there, also where there is room for nothing; and nothing is
// counted for that.
func TestRootMkdirWithoutRoom(t *testing.T) {
	r := &Root{Dir: t.TempDir(), MaxEntries: 1}
	require.NoError(t, r.Mkdir("/d"))
	r.used.counted = r.used.counted.Add(-countEvery)
	assert.ErrorIs(t, r.Mkdir("/d"), os.ErrExist)
	assert.Equal(t, 1, r.used.counts)
	assert.ErrorIs(t, r.Mkdir("/e"), ErrQuota)
}

// counting has a count go on, of which done tells the end.
func (c *surveyed) counting() (done chan bool) {
	done = make(chan bool)
	go func() {
		c.used.mu.Lock()
		_ = c.recount()
		c.used.mu.Unlock()
		close(done)
	}()
	<-c.begun
	return done
}

// What a count has missed of what comes, goes and is moved meanwhile is there all the same.
func TestRootCountsMissNothing(t *testing.T) {
	for name, a := range map[string]struct {
		found  tally
		during func(c *surveyed, end func())
		want   tally
	}{
		"uploaded": {tally{90, 2}, func(c *surveyed, end func()) {
			assert.NoError(t, tryPut(&c.Root, "/b", "12345"))
			end()
		}, tally{100, 4}},
		"renamed": {tally{0, 1}, func(c *surveyed, end func()) {
			assert.NoError(t, c.Rename("/a", "/d/a"))
			end()
		}, tally{90, 2}},
		"found, and then removed": {tally{90, 2}, func(c *surveyed, end func()) {
			assert.NoError(t, c.Remove("/a"))
			end()
		}, tally{90, 2}},
		"removed when it ends": {tally{0, 1}, func(c *surveyed, end func()) {
			assert.NoError(t, c.changing(func() (change, error) { end(); return change{freed: tally{90, 1}}, nil }))
		}, tally{0, 1}},
		"renamed when it ends": {tally{0, 1}, func(c *surveyed, end func()) {
			info, err := c.Stat("/a")
			assert.NoError(t, err)
			assert.NoError(t, c.changing(func() (change, error) { end(); return change{moved: move{info, "a"}}, nil }))
		}, tally{90, 2}},
	} {
		c := full(t)
		c.found = &a.found
		done := c.counting()
		a.during(c, func() { c.end <- nil; <-done })
		assert.Equal(t, a.want, c.used.used, name)
	}
}

// A file that is moved to and fro during a count is there once more at most, and one that
// has two names not less than twice.
func TestRootCountsAMovedFileOnce(t *testing.T) {
	c := full(t)
	done := c.counting()
	for range 50 {
		assert.NoError(t, c.Rename("/a", "/d/b"))
		assert.NoError(t, c.Rename("/d/b", "/a"))
	}
	assert.NoError(t, tryPut(&c.Root, "/u", ""))
	assert.NoError(t, c.Rename("/u", "/v"))
	c.end <- nil
	<-done
	assert.Equal(t, tally{180, 6}, c.used.used)

	require.NoError(t, os.Link(filepath.Join(c.Dir, "a"), filepath.Join(c.Dir, "b")))
	c.found = &tally{}
	done = c.counting()
	assert.NoError(t, c.Rename("/a", "/c"))
	assert.ErrorIs(t, c.Rename("/b", "/a"), syscall.EBUSY)
	c.end <- nil
	<-done
	assert.NoError(t, c.Rename("/b", "/a"))
}

// What has been moved during a count is not remembered without bound.
func TestRootBoundsMoves(t *testing.T) {
	c := full(t)
	for i := range movesAtMost + 1 {
		require.NoError(t, os.WriteFile(filepath.Join(c.Dir, fmt.Sprint(i)), nil, 0o644))
	}
	done := c.counting()
	for i := range movesAtMost {
		assert.NoError(t, c.Rename(fmt.Sprint("/", i), fmt.Sprint("/x", i)))
	}
	last := fmt.Sprint("/", movesAtMost)
	assert.ErrorIs(t, c.Rename(last, "/y"), syscall.EBUSY)
	assert.NoError(t, c.Rename("/x0", "/0"))
	assert.NoError(t, tryPut(&c.Root, "/u", "1"), "it may appear")
	c.end <- nil
	<-done
	assert.NoError(t, c.Rename(last, "/y"))
}

// Whatever happens during counts, at the end of the last there is no more than it has
// found, and without them exactly that.
func TestRootNeverCountsTooLittle(t *testing.T) {
	r := &Root{Dir: t.TempDir(), Quota: 1 << 30, MaxEntries: 1 << 20}
	var done sync.WaitGroup
	for g := range 4 {
		done.Go(func() {
			for i := range 100 {
				name := fmt.Sprintf("/%d-%d", g, i%7)
				assert.NoError(t, tryPut(r, name, string(make([]byte, i))))
				assert.NoError(t, r.Rename(name, name+"x"))
				if i%3 == 0 {
					assert.NoError(t, r.Remove(name+"x"))
				}
			}
		})
	}
	done.Go(func() {
		for range 20 {
			r.used.mu.Lock()
			assert.NoError(t, r.recount())
			r.used.mu.Unlock()
		}
	})
	done.Wait()
	there, err := count(r.root, 1<<20)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, r.used.used.bytes, there.bytes)
	assert.GreaterOrEqual(t, r.used.used.entries, there.entries)
	r.used.mu.Lock()
	assert.NoError(t, r.recount())
	r.used.mu.Unlock()
	assert.Equal(t, there, r.used.used)
	assert.Zero(t, r.used.pending)
}

// A count looks at so many files and folders, and not at more.
func TestCountIsBounded(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a", "b", "c"), []byte("xyz"), 0o644))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	n, err := count(root, 3)
	assert.NoError(t, err)
	assert.Equal(t, tally{3, 3}, n)
	_, err = count(root, 2)
	assert.ErrorIs(t, err, ErrQuota)
}

// Folders are swept every hour, and not for ever remembered.
func TestRootSweepsEveryHour(t *testing.T) {
	var r Root
	now := time.Now()
	assert.True(t, r.due("a", now))
	assert.True(t, r.due("b", now))
	assert.False(t, r.due("a", now.Add(sweepEvery-1)))
	assert.True(t, r.due("a", now.Add(sweepEvery)))
	for i := range 2 * maxSwept {
		r.due(string(rune(i)), now)
	}
	assert.LessOrEqual(t, len(r.swept), maxSwept)
}
