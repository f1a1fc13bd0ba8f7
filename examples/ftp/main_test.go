package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
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

const patience = 30 * time.Second // a busy machine is slow

// build builds the program.
func build(t *testing.T) string {
	program := filepath.Join(t.TempDir(), "ftp")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// A client talks to the program.
type client struct {
	*testing.T
	net.Conn
	*bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	c, err := net.DialTimeout("tcp", addr, patience)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return &client{t, c, bufio.NewReader(c)}
}

func (c *client) says(l, want string) string {
	c.Helper()
	if l != "" {
		_, err := io.WriteString(c.Conn, l+"\r\n")
		require.NoError(c, err)
	}
	got, err := c.ReadString('\n')
	require.NoError(c, err)
	assert.True(c, strings.HasPrefix(got, want), "%s: %s", l, got)
	return got
}

// start has the program run, and returns where it listens and what it warns of.
func start(t *testing.T, args ...string) (cmd *exec.Cmd, addr string, warned *bytes.Buffer) {
	cmd = exec.Command(build(t), append([]string{"-listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), "TORSION_PASSWORD=sesame")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	warned = new(bytes.Buffer)
	cmd.Stderr = warned
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	first, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	require.True(t, ok, first)
	return cmd, addr, warned
}

// The program serves a folder: anybody reads, who has the password writes, over the
// ports that it is told.
func TestProgram(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "a"), []byte("hello"), 0o600))
	cmd, addr, warned := start(t, "-reactors", "2", "-root", root, "-anonymous", "-user", "eve", "-passive", "20000-60000",
		"-public-ip", "198.51.100.7", "-tls-self-signed")

	c := dial(t, addr)
	c.says("", "220 ")
	c.says("USER anonymous", "331 ")
	c.says("PASS me@x", "230 ")
	c.says("DELE a", "550 Permission denied")
	c.says("PASV", "227 Entering Passive Mode (198,51,100,7,")
	c.says("QUIT", "221 ")

	c = dial(t, addr)
	c.says("", "220 ")
	c.says("USER eve", "331 ")
	c.says("PASS sesame", "230 ")
	c.says("DELE a", "250 ")
	assert.NoFileExists(t, filepath.Join(root, "a"))
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	c.says("", "421 ")
	assert.NoError(t, cmd.Wait())
	assert.Contains(t, warned.String(), "passwords may be sent in clear: -tls-required forbids it\n")
}

// A transfer under way has as long as -drain says when the program is to end.
func TestDrain(t *testing.T) {
	for _, patient := range []bool{true, false} {
		root, drain := t.TempDir(), "1ms"
		if patient {
			drain = "-1ns"
		}
		cmd, addr, warned := start(t, "-root", root, "-user", "eve", "-drain", drain)
		c := dial(t, addr)
		c.says("", "220 ")
		c.says("USER eve", "331 ")
		c.says("PASS sesame", "230 ")
		var port int
		_, err := fmt.Sscanf(c.says("EPSV", "229 "), "229 Entering Extended Passive Mode (|||%d|)", &port)
		require.NoError(t, err)
		d := dial(t, fmt.Sprint("127.0.0.1:", port))
		c.says("STOR a", "150 ")
		asked := time.Now()
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		if patient {
			_, err = io.WriteString(d.Conn, "hello")
			require.NoError(t, err)
			require.NoError(t, d.Close())
			c.says("", "226 ")
			c.says("", "421 ")
		}
		assert.NoError(t, cmd.Wait())
		assert.Regexp(t, "shutting down; open connections: [12], for .*; another signal ends it now\n", warned.String())
		assert.Less(t, time.Since(asked), 10*time.Second, "which is the reactor's own patience")
		_, err = os.Stat(filepath.Join(root, "a"))
		assert.Equal(t, patient, err == nil)
	}
}

// What makes no sense is said at once.
func TestMistakes(t *testing.T) {
	program := build(t)
	for _, args := range [][]string{
		{}, {"-root", "."}, {"-root", ".", "-user", "eve"}, {"-anonymous"}, {"-root", "/nowhere/at/all", "-anonymous"},
		{"-root", ".", "-anonymous", "-tls-required"}, {"-root", ".", "-anonymous", "-listen-tls", "127.0.0.1:0"},
		{"-root", ".", "-anonymous", "-tls-reuse"}, {"-root", ".", "-anonymous", "-listen", ""}, {"-root", ".", "-anonymous", "-quota", "-5"}, {"-root", ".", "-anonymous", "-reactors", "-1"}, {"-root", ".", "-anonymous", "-idle", "0"},
		{"-root", ".", "-anonymous", "-host", "-1"}, {"-root", ".", "-anonymous", "-drain", "0"}, {"-root", ".", "-anonymous", "-password", "x"},
		{"-root", ".", "-anonymous", "-passive", "40000-2000"}, {"-root", ".", "-anonymous", "-passive", "1023-2000"},
		{"-root", ".", "-anonymous", "-public-ip", "x"}, {"-root", ".", "-anonymous", "-public-ip", "::1"}, {"-root", ".", "-anonymous", "what"},
		{"-root", ".", "-anonymous", "-user", "anonymous", "-password", "x"},
	} {
		cmd := exec.Command(program, append([]string{"-listen", "127.0.0.1:0"}, args...)...)
		cmd.Env = append(os.Environ(), "TORSION_PASSWORD=")
		out, err := cmd.CombinedOutput()
		assert.Error(t, err, args)
		assert.Equal(t, 2, cmd.ProcessState.ExitCode(), args)
		assert.Equal(t, 1, bytes.Count(out, []byte("\n")), "%v: %s", args, out) // one line, and no list of flags behind it
	}
}
