package main_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const deadline = 30 * time.Second // for anything: a busy machine is slow

var program string // what TestMain built

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "embed")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "embed")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// start starts the program, and returns it with its two addresses.
func start(t *testing.T, args ...string) (cmd *exec.Cmd, listen, web string) {
	t.Helper()
	cmd = exec.Command(program, append([]string{"-reactors", "2"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	out := bufio.NewReader(stdout)
	return cmd, after(t, out, "listening on "), after(t, out, "http on ")
}

func after(t *testing.T, out *bufio.Reader, prefix string) string {
	t.Helper()
	l, err := out.ReadString('\n')
	require.NoError(t, err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(l), prefix)
	require.True(t, ok, l)
	return addr
}

// A reader is a connection to the board.
type reader struct {
	net.Conn
	*bufio.Reader
}

func (r reader) Read(p []byte) (int, error) { return r.Reader.Read(p) }

func dial(t *testing.T, addr string) reader {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, deadline)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(deadline)))
	return reader{c, bufio.NewReader(c)}
}

func (r reader) reads(t *testing.T, want string) {
	t.Helper()
	got, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, want+"\r\n", got)
}

// request returns the status and the body of the answer.
func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Close = true // shutting down must not wait for an idle connection
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// What is posted by HTTP is read by telnet.
func TestBoard(t *testing.T) {
	cmd, listen, web := start(t, "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0")
	web = "http://" + web
	one := dial(t, listen)
	one.reads(t, "You are reader 1. Send 'quit' to leave.")
	two := dial(t, listen)
	two.reads(t, "You are reader 2. Send 'quit' to leave.")
	_, n := request(t, "GET", web+"/readers", "")
	assert.Equal(t, "2\n", n)

	status, _ := request(t, "POST", web+"/notices", "Lunch\r\nis \x1b[1mready.\n")
	assert.Equal(t, http.StatusAccepted, status)
	one.reads(t, "Lunch  is  [1mready.")
	two.reads(t, "Lunch  is  [1mready.")

	status, _ = request(t, "POST", web+"/readers/2", "Yours alone.")
	assert.Equal(t, http.StatusNoContent, status)
	two.reads(t, "Yours alone.")
	status, _ = request(t, "POST", web+"/readers/3", "x")
	assert.Equal(t, http.StatusNotFound, status)
	status, _ = request(t, "POST", web+"/notices", strings.Repeat("x", 2000))
	assert.Equal(t, http.StatusRequestEntityTooLarge, status)

	_, err := io.WriteString(one, "quit\n")
	require.NoError(t, err)
	ends(t, one)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	ends(t, two)
	assert.NoError(t, cmd.Wait(), "status 0")
}

// ends requires that the other side has closed, and does so too.
func ends(t *testing.T, r reader) {
	t.Helper()
	_, err := r.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	r.Close()
}
