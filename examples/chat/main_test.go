package main_test

import (
	"bufio"
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

const deadline = 30 * time.Second // for anything: a busy machine is slow

var program string // what TestMain built

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "chat")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "chat")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// start starts the program, and returns it with its address.
func start(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(program, append([]string{"-reactors", "2"}, args...)...)
	cmd.Stderr = new(strings.Builder)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	first, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	require.True(t, ok, first)
	return cmd, addr
}

// A client is somebody with a raw socket.
type client struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, deadline)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(deadline)))
	return &client{t, c, bufio.NewReader(c)}
}

// reads requires that the lines come next.
func (c *client) reads(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		got, err := c.in.ReadString('\n')
		require.NoError(c.t, err)
		require.Equal(c.t, want+"\r\n", got)
	}
}

func (c *client) sends(line string) {
	c.t.Helper()
	_, err := io.WriteString(c, line+"\r\n")
	require.NoError(c.t, err)
}

func (c *client) greeted() {
	c.t.Helper()
	c.reads("Welcome to my chat server.", "Send '/NAME [new name]' to change your name.", "Send '/EXIT' to quit.")
}

// ends requires that the server has closed, and does so too.
func (c *client) ends() {
	c.t.Helper()
	_, err := c.in.ReadByte()
	require.ErrorIs(c.t, err, io.EOF)
	c.Close()
}

// Two people talk, one leaves, and the other is told that the server ends.
func TestConversation(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(listen, func(t *testing.T) {
			cmd, addr := start(t, "-listen", listen)
			host, _, _ := net.SplitHostPort(addr)
			alice := dial(t, addr)
			alice.greeted()
			bob := dial(t, addr)
			bob.greeted()
			alice.reads(host + "#2 has joined the party.")
			bob.sends("/NAME bob")
			alice.reads(host + "#2 changed name to bob")
			bob.reads(host + "#2 changed name to bob")
			alice.sends("hello")
			alice.reads(host + " says hello")
			bob.reads(host + " says hello")
			bob.sends("/EXIT")
			alice.reads("bob has disconnected.")
			bob.ends()
			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			alice.reads("Server is going down.")
			alice.ends()
			assert.NoError(t, cmd.Wait(), "status 0")
			assert.Regexp(t, "shutting down; open connections: [12], for 10s at most; another signal ends it now\n", fmt.Sprint(cmd.Stderr))
		})
	}
}

// Who presses the interrupt key in telnet, part of which comes as urgent data, has
// none of his text lost, and nobody sees it.
func TestInterruptKey(t *testing.T) {
	cmd, addr := start(t, "-listen", "127.0.0.1:0")
	alice := dial(t, addr)
	alice.greeted()
	_, err := io.WriteString(alice, "ha\xff\xf4\xff") // IP, and the beginning of a Synch
	require.NoError(t, err)
	raw, err := alice.Conn.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { err = syscall.Sendto(int(fd), []byte("\xf2"), syscall.MSG_OOB, nil) }))
	require.NoError(t, err)
	alice.sends("\xff\xfd\x06lf") // DO TIMING-MARK
	alice.reads("\xff\xfb\x06127.0.0.1 says half")
	alice.Close()
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, cmd.Wait())
}

// The limits can be set.
func TestFlags(t *testing.T) {
	cmd, addr := start(t, "-listen", "127.0.0.1:0", "-members", "2", "-history", "5", "-line", "10", "-burst", "3")
	alice := dial(t, addr)
	alice.greeted()
	alice.sends("hello")
	alice.reads("127.0.0.1 says hello")
	alice.sends("hello hello")
	alice.reads("Your line was not said: it is longer than 10 bytes.")
	bob := dial(t, addr)
	bob.greeted()
	bob.reads("127.0.0.1 says hello")
	carol := dial(t, addr)
	carol.reads("The room is full. Come back later.")
	carol.ends()
	for range 4 {
		bob.sends("")
	}
	bob.reads("You send too fast. Your lines are held up for a while.")
	alice.Close()
	bob.Close()
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	assert.NoError(t, cmd.Wait())
}

// One host cannot fill the room.
func TestConnectionsPerHost(t *testing.T) {
	cmd, addr := start(t, "-listen", "127.0.0.1:0", "-host", "1")
	alice := dial(t, addr)
	alice.greeted()
	bob := dial(t, addr)
	_, err := bob.in.ReadByte()
	assert.Error(t, err)
	alice.Close()
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	assert.NoError(t, cmd.Wait())
}

// What cannot be listened on is one clear error.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	out, err := exec.Command(program, "-listen", l.Addr().String()).CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), l.Addr().String())
	assert.Contains(t, string(out), "address already in use")
}
