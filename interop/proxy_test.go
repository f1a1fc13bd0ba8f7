package interop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What nc is told on its standard input comes back through our proxy, the end of it
// included, so that nc ends by itself.
func TestProxyNetcat(t *testing.T) {
	need(t, "nc", "-h")
	_, host, port := serve(t, "echo")
	_, host, port = serve(t, "proxy", "-connect", net.JoinHostPort(host, port))
	nc := start(t, "nc", "-N", host, port)
	nc.Say("is anybody there?")
	nc.Expect("is anybody there?\n")
	nc.Say(strings.Repeat("x", 1<<20))
	assert.NoError(t, nc.stdin.Close())
	assert.Zero(t, nc.Ends())
	assert.Len(t, nc.Said(), len("is anybody there?\n")+1<<20+len("\n"))
}

// curl gets a file of Python's server through our proxy, whole, whether it is told
// how long that is or not (HTTP/1.0), and says who it is, for those who want that.
func TestProxyCurl(t *testing.T) {
	need(t, "curl", "--version")
	need(t, python, "-c", "import http.server")
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("0123456789", 800_000)), 0o600))
	server := start(t, python, "-u", "-m", "http.server", "-b", "127.0.0.1", "-d", dir, "0")
	to := net.JoinHostPort("127.0.0.1", strings.Fields(server.Line("Serving HTTP on 127.0.0.1 port "))[0])

	_, host, port := serve(t, "proxy", "-connect", to)
	assert.Empty(t, download(t, file, "http://"+net.JoinHostPort(host, port)+"/file"))
	_, host, port = serve(t, "proxy", "-connect", to, "-trust", "127.0.0.0/8")
	url := "http://" + net.JoinHostPort(host, port) + "/file"
	assert.Empty(t, download(t, file, "--haproxy-protocol", url))
	assert.NotEmpty(t, download(t, file, url), "no header")
}

// download has curl get what is in the file, and returns what is wrong.
func download(t *testing.T, file string, args ...string) string {
	t.Helper()
	got := filepath.Join(t.TempDir(), "got")
	out, err := exec.Command("curl", append([]string{"-sSf", "-m", fmt.Sprint(patience.Seconds()), "-o", got}, args...)...).CombinedOutput()
	if err != nil {
		return err.Error() + ": " + string(out)
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	is, err := os.ReadFile(got)
	require.NoError(t, err)
	assert.True(t, string(want) == string(is))
	return ""
}

// HAProxy tells our proxy who the client is, and our proxy tells HAProxy.
func TestProxyHAProxy(t *testing.T) {
	need(t, "haproxy", "-v")
	need(t, "curl", "--version")
	for _, c := range []struct{ send, ours string }{
		{"send-proxy", "v2"},
		{"send-proxy-v2", "v1"},
		{"send-proxy-v2 proxy-v2-options crc32c", "v2"},
	} {
		t.Run(c.send, func(t *testing.T) {
			front, back := listener(t), listener(t)
			_, host, port := serve(t, "proxy", "-connect", back.Addr().String(), "-trust", "127.0.0.0/8", "-proxy-protocol", c.ours)
			haproxy(t, net.JoinHostPort(host, port), c.send, front, back)
			url := "http://" + front.Addr().String() + "/"
			out, err := exec.Command("curl", "-sSf", "-m", fmt.Sprint(patience.Seconds()), "-w", "%{local_ip}:%{local_port}", url).CombinedOutput()
			require.NoError(t, err, "%s", out)
			told, client, _ := strings.Cut(string(out), "\n")
			assert.Equal(t, client+" came to "+front.Addr().String(), told)
		})
	}
}

// listener is a socket for a program to inherit.
func listener(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

// haproxy runs HAProxy with sockets that it inherits.
func haproxy(t *testing.T, ours, send string, sockets ...*net.TCPListener) {
	t.Helper()
	p := prepare(t, "haproxy", "-db", "-f", "testdata/haproxy.cfg")
	p.cmd.Env = append(os.Environ(), "OURS="+ours, "SEND="+send)
	for _, s := range sockets {
		f, err := s.File()
		require.NoError(t, err)
		defer f.Close()
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, f)
	}
	p.start()
}
