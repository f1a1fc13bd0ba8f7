package interop

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkTable finds a table in README.md, where it says yes for what is done.
func checkTable(t *testing.T, columns, rows []string, done func(column, row int) bool) {
	t.Helper()
	var b strings.Builder
	b.WriteString("| | " + strings.Join(columns, " | ") + " |\n|---|" + strings.Repeat(":-:|", len(columns)) + "\n")
	for row, name := range rows {
		b.WriteString("| " + name + " |")
		for column := range columns {
			b.WriteString(map[bool]string{true: " yes |", false: " – |"}[done(column, row)])
		}
		b.WriteString("\n")
	}
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	assert.Contains(t, string(readme), b.String())
}
