package main_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// The program prints five lines, at least a second apart but for lateness, and ends.
func TestFiveLines(t *testing.T) {
	out, err := programtest.Command("nonsense").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "what is \"nonsense\"?\n")

	begun := time.Now()
	p := programtest.Start(t, programtest.Command())
	last := 0
	for n := 1; n <= 5; n++ {
		var line, passed int
		said := p.Behind(t, "line ")
		_, err := fmt.Sscanf(said, "%d after %d s", &line, &passed)
		require.NoError(t, err, said)
		assert.Equal(t, n, line)
		assert.Greater(t, passed, last)
		assert.GreaterOrEqual(t, time.Since(begun), time.Duration(passed)*time.Second)
		last = passed
	}
	assert.Empty(t, p.Ends(t))
}
