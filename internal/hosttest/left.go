package hosttest

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// LeavesNothing requires that many rounds leave no descriptor and no goroutine behind,
// after a few that may.
func LeavesNothing(t testing.TB, few, many int, round func()) {
	t.Helper()
	for range few {
		round()
	}
	left := func() int { return Descriptors(t) + runtime.NumGoroutine() }
	before := left()
	for range many {
		round()
	}
	for end := time.Now().Add(time.Minute); left() > before; runtime.Gosched() {
		require.True(t, time.Now().Before(end), "%d descriptors and goroutines were left before, now %d", before, left())
	}
}

// Descriptors is how many this process has open, where that can be told.
func Descriptors(t testing.TB) int {
	t.Helper()
	files, err := os.ReadDir("/dev/fd")
	require.NoError(t, err)
	return len(files)
}

// Heap is how many bytes are in use after two collections.
func Heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
