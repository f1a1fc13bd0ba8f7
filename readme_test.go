package torsion_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The programs and tests in the README compile.
func TestReadmeCompiles(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	blocks := goBlocks(string(readme))
	require.Len(t, blocks, 2, "Go blocks in README.md")
	dir := t.TempDir()
	program, test := filepath.Join(dir, "main.go"), filepath.Join(dir, "main_test.go")
	require.NoError(t, os.WriteFile(program, []byte(blocks[0]), 0o644))
	require.NoError(t, os.WriteFile(test, []byte(testImports+blocks[1]), 0o644))
	out, err := exec.Command("go", "test", program, test).CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

// testImports are what the README leaves out of its test.
const testImports = `package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocoltest"
)

`

// goBlocks returns the blocks marked as Go of a text in Markdown.
func goBlocks(text string) (blocks []string) {
	for _, part := range strings.Split(text, "```go\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	return blocks
}

var link = regexp.MustCompile(`\]\(([^):#]+)[^):]*\)`)

// Links from one page to another lead somewhere.
func TestLinks(t *testing.T) {
	err := filepath.WalkDir(".", func(page string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(page) != ".md" {
			return err
		}
		text, err := os.ReadFile(page)
		for _, l := range link.FindAllStringSubmatch(string(text), -1) {
			_, missing := os.Stat(filepath.Join(filepath.Dir(page), l[1]))
			assert.NoError(t, missing, "link in %s", page)
		}
		return err
	})
	require.NoError(t, err)
}
