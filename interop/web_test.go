package interop

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serveWeb starts the web example. The test's end stops it, which must be clean.
func serveWeb(t *testing.T) (lines, keys string) {
	t.Helper()
	p := start(t, build(t, "web"), "-listen-http", "127.0.0.1:0", "-listen-line", "127.0.0.1:0")
	lines = p.Line("lines on ")
	keys = "http://" + p.Line("http on ") + "/keys"
	t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		assert.Zero(t, p.Ends(), "status after SIGTERM")
	})
	return lines, keys
}

// curlSays returns what curl says.
func curlSays(t *testing.T, args ...string) string {
	t.Helper()
	p := start(t, "curl", append([]string{"-sS", "--max-time", "30"}, args...)...)
	require.Zero(t, p.Ends(), "%q: %s", args, p.Said())
	return p.Said()
}

// What curl changes, nc sees.
func TestWebByCurl(t *testing.T) {
	need(t, "curl", "--version")
	need(t, "nc", "-h")
	lines, keys := serveWeb(t)
	host, port, _ := strings.Cut(lines, ":")
	watcher := start(t, "nc", host, port)
	watcher.Expect("or 'quit'.\r\n")

	assert.Equal(t, "204", curlSays(t, "-X", "PUT", "-d", "soup", "-w", "%{http_code}", keys+"/lunch"))
	watcher.Expect("lunch = \"soup\"\r\n")
	watcher.Say("set dinner cake")
	watcher.Expect("dinner = \"cake\"\r\n")
	assert.Equal(t, "soup\n1,cake\n0,", curlSays(t, "-w", "%{num_connects},", keys+"/lunch", keys+"/dinner"), "one connection")
	assert.Equal(t, "dinner = \"cake\"\nlunch = \"soup\"\n", curlSays(t, keys))
	assert.Equal(t, "dinner = \"cake\"\nlunch = \"soup\"\n", curlSays(t, "--http1.0", keys))
	assert.Equal(t, "there is no such key\n404", curlSays(t, "-w", "%{http_code}", keys+"/breakfast"))
	assert.Equal(t, "204", curlSays(t, "-X", "DELETE", "-w", "%{http_code}", keys+"/lunch"))
	watcher.Expect("lunch is gone\r\n")
	watcher.Say("quit")
	assert.NoError(t, watcher.stdin.Close())
	assert.Zero(t, watcher.Ends())
}

// A body that is too large is refused although curl is still sending it, and curl
// hears why.
func TestWebRefusesCurlsUpload(t *testing.T) {
	need(t, "curl", "--version")
	_, keys := serveWeb(t)
	file := filepath.Join(t.TempDir(), "large")
	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("x"), 8<<20), 0o600))
	for _, expect := range []string{"Expect: 100-continue", "Expect:"} {
		said := curlSays(t, "-T", file, "-H", expect, "-w", "%{http_code}", keys+"/large")
		assert.Equal(t, "a value has at most 256 bytes\n413", said)
	}
}
