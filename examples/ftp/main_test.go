package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// A client talks to the program.
type client struct{ *programtest.Client }

func dial(t *testing.T, addr string) client {
	t.Helper()
	return client{programtest.Dial(t, "tcp", addr)}
}

// says says something, if it is not empty, and returns the reply, which has to begin so.
func (c client) says(t *testing.T, l, want string) string {
	t.Helper()
	if l != "" {
		c.SayLine(l)
	}
	got := c.HearLine()
	assert.True(t, strings.HasPrefix(got, want), "%s: %s", l, got)
	return got
}

// start has the program run with a password.
func start(t *testing.T, args ...string) *programtest.Program {
	t.Helper()
	t.Setenv("TORSION_PASSWORD", "sesame")
	return programtest.Serve(t, append([]string{"-listen", "127.0.0.1:0"}, args...)...)
}

// The program serves a folder: anybody reads, who has the password writes, over the
// ports that it is told.
func TestProgram(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "a"), []byte("hello"), 0o600))
	p := start(t, "-root", root, "-anonymous", "-user", "eve", "-passive", "20000-60000",
		"-public-ip", "198.51.100.7", "-tls-self-signed")

	c := dial(t, p.Addr)
	c.says(t, "", "220 ")
	c.says(t, "USER anonymous", "331 ")
	c.says(t, "PASS me@x", "230 ")
	c.says(t, "DELE a", "550 Permission denied")
	c.says(t, "PASV", "227 Entering Passive Mode (198,51,100,7,")
	c.says(t, "QUIT", "221 ")

	c = dial(t, p.Addr)
	c.says(t, "", "220 ")
	c.says(t, "USER eve", "331 ")
	c.says(t, "PASS sesame", "230 ")
	c.says(t, "DELE a", "250 ")
	assert.NoFileExists(t, filepath.Join(root, "a"))
	p.Signal(t, syscall.SIGTERM)
	c.says(t, "", "421 ")
	p.Ends(t)
	assert.Contains(t, p.Err.String(), "passwords may be sent in clear: -tls-required forbids it\n")
}

// A transfer under way has as long as -drain says when the program is to end.
func TestDrain(t *testing.T) {
	for _, patient := range []bool{true, false} {
		root, drain := t.TempDir(), "1ms"
		if patient {
			drain = "-1ns"
		}
		p := start(t, "-root", root, "-user", "eve", "-drain", drain)
		c := dial(t, p.Addr)
		c.says(t, "", "220 ")
		c.says(t, "USER eve", "331 ")
		c.says(t, "PASS sesame", "230 ")
		var port int
		_, err := fmt.Sscanf(c.says(t, "EPSV", "229 "), "229 Entering Extended Passive Mode (|||%d|)", &port)
		require.NoError(t, err)
		d := dial(t, fmt.Sprint("127.0.0.1:", port))
		c.says(t, "STOR a", "150 ")
		asked := time.Now()
		p.Signal(t, syscall.SIGTERM)
		if patient {
			d.Say("hello")
			require.NoError(t, d.Close())
			c.says(t, "", "226 ")
			c.says(t, "", "421 ")
		}
		p.Ends(t)
		assert.Regexp(t, "shutting down; open connections: [12], for .*; another signal ends it now\n", p.Err.String())
		assert.Less(t, time.Since(asked), 10*time.Second, "which is the reactor's own patience")
		_, err = os.Stat(filepath.Join(root, "a"))
		assert.Equal(t, patient, err == nil)
	}
}

// What makes no sense is said at once.
func TestMistakes(t *testing.T) {
	t.Setenv("TORSION_PASSWORD", "")
	for _, args := range [][]string{
		{}, {"-root", "."}, {"-root", ".", "-user", "eve"}, {"-anonymous"}, {"-root", "/nowhere/at/all", "-anonymous"},
		{"-root", ".", "-anonymous", "-tls-required"}, {"-root", ".", "-anonymous", "-listen-tls", "127.0.0.1:0"},
		{"-root", ".", "-anonymous", "-tls-reuse"}, {"-root", ".", "-anonymous", "-listen", ""}, {"-root", ".", "-anonymous", "-quota", "-5"}, {"-root", ".", "-anonymous", "-reactors", "-1"}, {"-root", ".", "-anonymous", "-idle", "0"},
		{"-root", ".", "-anonymous", "-host", "-1"}, {"-root", ".", "-anonymous", "-drain", "0"}, {"-root", ".", "-anonymous", "-password", "x"},
		{"-root", ".", "-anonymous", "-passive", "40000-2000"}, {"-root", ".", "-anonymous", "-passive", "1023-2000"},
		{"-root", ".", "-anonymous", "-public-ip", "x"}, {"-root", ".", "-anonymous", "-public-ip", "::1"}, {"-root", ".", "-anonymous", "what"},
		{"-root", ".", "-anonymous", "-user", "anonymous", "-password", "x"},
	} {
		out, errs, status := programtest.Run(programtest.Command(append([]string{"-listen", "127.0.0.1:0"}, args...)...))
		assert.Equal(t, 2, status, args)
		assert.Empty(t, out)
		assert.Equal(t, 1, strings.Count(errs, "\n"), "%v: %s", args, errs) // one line, and no list of flags behind it
	}
}
