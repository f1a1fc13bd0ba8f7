package main_test

import (
	"bufio"
	"context"
	"fmt"
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
	dir, err := os.MkdirTemp("", "web")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "web")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// start starts the program, and returns it with its two addresses.
func start(t *testing.T) (cmd *exec.Cmd, lines, web string) {
	t.Helper()
	cmd = exec.Command(program, "-reactors", "2", "-listen-http", "127.0.0.1:0", "-listen-line", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	out := bufio.NewReader(stdout)
	return cmd, after(t, out, "lines on "), after(t, out, "http on ")
}

func after(t *testing.T, out *bufio.Reader, prefix string) string {
	t.Helper()
	l, err := out.ReadString('\n')
	require.NoError(t, err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(l), prefix)
	require.True(t, ok, l)
	return addr
}

// A person is a connection by telnet.
type person struct {
	net.Conn
	*bufio.Reader
}

func (p person) Read(b []byte) (int, error) { return p.Reader.Read(b) }

func dial(t *testing.T, addr string) person {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, deadline)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(deadline)))
	return person{c, bufio.NewReader(c)}
}

func (p person) says(t *testing.T, line string) {
	t.Helper()
	_, err := io.WriteString(p, line+"\r\n")
	require.NoError(t, err)
}

func (p person) reads(t *testing.T, want string) {
	t.Helper()
	got, err := p.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, want+"\r\n", got)
}

const usage = "Say 'set KEY VALUE', 'del KEY' or 'quit'."

// ask returns the status and the body of the answer.
func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// What either side changes both see, people at once.
func TestTableIsShared(t *testing.T) {
	cmd, lines, web := start(t)
	keys := "http://" + web + "/keys"
	one := dial(t, lines)
	one.reads(t, usage)

	status, _ := ask(t, "PUT", keys+"/lunch", "soup \x1b[1m")
	assert.Equal(t, http.StatusNoContent, status)
	one.reads(t, `lunch = "soup \x1b[1m"`)
	one.says(t, "set dinner bread and cheese")
	one.reads(t, `dinner = "bread and cheese"`)
	_, all := ask(t, "GET", keys, "")
	assert.Equal(t, "dinner = \"bread and cheese\"\nlunch = \"soup \\x1b[1m\"\n", all)
	_, value := ask(t, "GET", keys+"/dinner", "")
	assert.Equal(t, "bread and cheese\n", value)

	two := dial(t, lines)
	two.reads(t, `dinner = "bread and cheese"`)
	two.reads(t, `lunch = "soup \x1b[1m"`)
	two.reads(t, usage)
	status, _ = ask(t, "DELETE", keys+"/lunch", "")
	assert.Equal(t, http.StatusNoContent, status)
	two.says(t, "del dinner")
	for _, p := range []person{one, two} {
		p.reads(t, "lunch is gone")
		p.reads(t, "dinner is gone")
	}
	one.says(t, "quit")
	ends(t, one)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	ends(t, two)
	assert.NoError(t, cmd.Wait(), "status 0")
}

// What cannot be is refused, with a reason.
func TestTableRefuses(t *testing.T) {
	_, lines, web := start(t)
	keys := "http://" + web + "/keys"
	for _, q := range []struct {
		method, key, body string
		status            int
	}{
		{"GET", "nothing", "", http.StatusNotFound},
		{"DELETE", "nothing", "", http.StatusNotFound},
		{"PUT", "a%20b", "", http.StatusBadRequest},
		{"PUT", "long", strings.Repeat("x", 257), http.StatusRequestEntityTooLarge},
	} {
		status, _ := ask(t, q.method, keys+"/"+q.key, q.body)
		assert.Equal(t, q.status, status, "%s %s", q.method, q.key)
	}
	for i := range 100 {
		status, _ := ask(t, "PUT", fmt.Sprintf("%s/%d", keys, i), "")
		require.Equal(t, http.StatusNoContent, status)
	}
	status, _ := ask(t, "PUT", keys+"/more", "")
	assert.Equal(t, http.StatusInsufficientStorage, status)

	p := dial(t, lines)
	for range 100 {
		_, err := p.ReadString('\n')
		require.NoError(t, err)
	}
	p.reads(t, usage)
	for line, answer := range map[string]string{
		"hello":                             usage,
		"del nothing":                       "No: there is no such key.",
		"set ?":                             "No: a key is 1 to 64 letters, digits, dots, dashes and underscores.",
		"set one more":                      "No: there are 100 keys already.",
		"set 1 " + strings.Repeat("x", 257): "No: a value has at most 256 bytes.",
	} {
		p.says(t, line)
		p.reads(t, answer)
	}
}

// ends requires that the other side has closed, and does so too.
func ends(t *testing.T, p person) {
	t.Helper()
	_, err := p.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	p.Close()
}
