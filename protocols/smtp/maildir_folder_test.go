package smtp

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Names are readable where they can be.
func TestFolderName(t *testing.T) {
	for name, want := range map[string]string{
		"Ann@Our.Test": "ann@our.test", "ann+list=x_y-z": "ann+list=x_y-z", "../Ann": "%2E.%2Fann", "": "%",
		".": "%2E", "..": "%2E%2E", "a.b.": "a.b%2E", "100%": "100%25", "ü": "%C3%BC",
	} {
		assert.Equal(t, want, folderName(name))
	}
}

// FuzzFolderName: a name is one folder here, that of no other name.
func FuzzFolderName(f *testing.F) {
	f.Add("ann@our.test", "../../etc/passwd")
	f.Add(strings.Repeat("x", 200), strings.Repeat("x", 201))
	f.Add(strings.Repeat("ü", 33)+"é", strings.Repeat("ü", 34))
	f.Add("%%", "%")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToLower(a), strings.ToLower(b)
		one, other := folderName(a), folderName(strings.ToUpper(b))
		if strings.ToLower(strings.ToUpper(b)) == b {
			require.Equal(t, a == b, one == other)
		}
		require.LessOrEqual(t, len(one), maxFolder)
		require.True(t, filepath.IsLocal(one))
		require.Equal(t, one, filepath.Base(one))
		require.NotContains(t, "..", one)
		for i := range len(one) {
			require.True(t, plain(one[i]) || one[i] == '%' || 'A' <= one[i] && one[i] <= 'F')
		}
		if back, err := url.PathUnescape(one); err == nil {
			require.Equal(t, a, back)
		} else {
			require.True(t, a == "" || len(one) == maxFolder)
		}
	})
}
