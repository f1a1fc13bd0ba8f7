package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// A terminal has one line, in which nothing of a server's moves the cursor.
func TestProgress(t *testing.T) {
	var out strings.Builder
	p := &progress{out: &out}
	p.show(ftp.Progress{Name: "a\x1b[2J", Bytes: 1, Size: 4})
	p.show(ftp.Progress{Name: "b", Bytes: 1, Size: -1})
	p.end()
	assert.Equal(t, "\ra?[2J:  25% of 4 bytes\x1b[K\rb: 1 bytes\x1b[K\n", out.String())

	f, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer f.Close()
	p = newProgress(f)
	p.show(ftp.Progress{Name: "a", Bytes: 1})
	p.end()
	b, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	assert.Empty(t, b)
}
