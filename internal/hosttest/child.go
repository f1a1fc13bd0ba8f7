// Package hosttest is for tests that want more of the machine than a connection: files and
// a disk that is soon full, a process that is killed, a log that all goroutines write, and
// a count of what is left.
package hosttest

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// told is the name of the variable that makes a test the child of another.
const told = "TORSION_TEST_CHILD"

// Told is what the parent of this process tells it; empty if it is no child.
func Told() string { return os.Getenv(told) }

// Child is the same test again, not started, as a child that is told something.
func Child(t testing.TB, what string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), told+"="+what)
	cmd.Stderr = os.Stderr
	return cmd
}

// Safe is how a child says what must outlive it from now on.
func Safe(id int) { fmt.Printf("\nsafe %d\n", id) }

// SafeIn is what a child says is safe, as it says so.
func SafeIn(out io.Reader) iter.Seq[int] {
	return func(yield func(int) bool) {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var id int
			if _, err := fmt.Sscanf(lines.Text(), "safe %d", &id); err == nil && !yield(id) {
				return
			}
		}
	}
}

// UntilKilled starts a child, kills it at some moment, when it has said that one to most
// are safe, and returns all that it has said are.
func UntilKilled(t testing.TB, child *exec.Cmd, most int) map[int]bool {
	t.Helper()
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	last, safe := 1+rand.IntN(most), make(map[int]bool)
	for id := range SafeIn(out) {
		if safe[id] = true; len(safe) == last {
			require.NoError(t, child.Process.Kill())
		}
	}
	assert.Error(t, child.Wait(), "it was killed")
	require.GreaterOrEqual(t, len(safe), last)
	return safe
}
