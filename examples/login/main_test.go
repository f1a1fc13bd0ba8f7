package main

import (
	"bufio"
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

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

const deadline = 30 * time.Second // for anything: a busy machine is slow

const (
	will, wont = "\xff\xfb\x01", "\xff\xfc\x01" // ECHO
	do, dont   = "\xff\xfd\x01", "\xff\xfe\x01"
)

func over() *protocoltest.Transport {
	return protocoltest.Connect(telnet.Config{}.New(line.Config{AcceptLF: true}.New(&login{password: "sesame"})))
}

// The password is hidden before it is asked for, and until it was right.
func TestLogin(t *testing.T) {
	tr := over()
	for _, turn := range []struct{ said, answer string }{
		{"", "Name: "},
		{"\r\n", "Name: "},
		{"eve\r\n", will + "Password: "},
		{do + "Sesame\r\n", "\r\nPassword: "},
		{"sesame\r\n", "\r\n" + wont + "Welcome.\r\n"},
		{dont + "gr\u00fc\u00dfe\r\n", "5 characters, \"eve\".\r\n"},
	} {
		tr.Receive(turn.said)
		assert.Equal(t, turn.answer, tr.Take(), "%q", turn.said)
	}
}

// After three wrong ones it is over.
func TestThreeTries(t *testing.T) {
	tr := over()
	tr.Receive("eve\na\nb\nc\nsesame\n")
	assert.Equal(t, "Name: "+will+"Password: \r\nPassword: \r\nPassword: \r\n", strings.TrimSuffix(tr.Take(), "Goodbye.\r\n"))
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
}

// The program listens where it says and ends with status 0.
func TestProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "login")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd := exec.Command(program, "-reactors", "2", "-listen", "127.0.0.1:0", "-password", "open")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	first, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	require.True(t, ok, first)
	c, err := net.DialTimeout("tcp", addr, deadline)
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(deadline)))
	_, err = io.WriteString(c, "eve\nopen\n")
	require.NoError(t, err)
	want := "Name: " + will + "Password: \r\n" // the client has not agreed yet: our WONT comes later
	got := make([]byte, len(want)+len("Welcome.\r\n"))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	assert.Equal(t, want+"Welcome.\r\n", string(got))
	c.Close()
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, cmd.Wait())
}
