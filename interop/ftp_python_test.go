package interop

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// pythonFTP runs a script of ours that reads the order.
func pythonFTP(script string) func(t *testing.T, o fileOrder) (bool, string) {
	return func(t *testing.T, o fileOrder) (bool, string) {
		text, err := json.Marshal(o)
		require.NoError(t, err)
		return ends(t, python, "testdata/"+script, string(text))
	}
}
