package main_test

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The program prints five lines, at least a second apart but for lateness, and ends.
func TestFiveLines(t *testing.T) {
	program := filepath.Join(t.TempDir(), "ticker")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(program, "nonsense").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "what is \"nonsense\"?\n")

	cmd := exec.Command(program)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	begun := time.Now()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	lines := bufio.NewScanner(stdout)
	last := 0
	for n := 1; n <= 5; n++ {
		require.True(t, lines.Scan())
		var line, passed int
		_, err := fmt.Sscanf(lines.Text(), "line %d after %d s", &line, &passed)
		require.NoError(t, err, lines.Text())
		assert.Equal(t, n, line)
		assert.Greater(t, passed, last)
		assert.GreaterOrEqual(t, time.Since(begun), time.Duration(passed)*time.Second)
		last = passed
	}
	assert.False(t, lines.Scan(), lines.Text())
	assert.NoError(t, cmd.Wait())
}
