package interop

import (
	"cmp"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A house is a server of ours that listens in clear and for TLS from the start, and
// keeps its ports when it is begun again.
type house struct {
	*program      // nil when it was killed
	t             *testing.T
	example       string // of ours, that it is
	port, tlsPort string
	flags         []string
}

// begin starts the program, the second time on the same ports.
func (h *house) begin() {
	h.t.Helper()
	addr := func(port string) string { return net.JoinHostPort("127.0.0.1", cmp.Or(port, "0")) }
	h.program = start(h.t, build(h.t, h.example),
		append([]string{"-listen", addr(h.port), "-listen-tls", addr(h.tlsPort)}, h.flags...)...)
	h.t.Cleanup(h.end)
	const said = "listening on 127.0.0.1:" // other addresses may be among these
	h.port, h.tlsPort = h.Line(said), h.Line(said)
}

// end has the program finish what it is doing.
func (h *house) end() {
	h.t.Helper()
	if h.program != nil {
		h.cmd.Process.Signal(syscall.SIGTERM)
		assert.Zero(h.t, h.Ends(), "status after SIGTERM")
	}
}

// kill leaves the program no time for anything.
func (h *house) kill() {
	h.t.Helper()
	require.NoError(h.t, h.cmd.Process.Kill())
	assert.NotZero(h.t, h.Ends())
	h.program = nil
}

// openDir is a temporary directory for programs that are somebody else.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "interop")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}
