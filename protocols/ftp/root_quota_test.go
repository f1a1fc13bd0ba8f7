package ftp

import (
	"io"
	"os"
	"path/filepath"
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
	assert.EqualValues(t, 50, r.used.used)
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
	assert.EqualValues(t, 3, n)
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
