package main_test

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// A client is somebody in the room.
type client struct{ *programtest.Client }

func dial(t *testing.T, p *programtest.Program) client {
	t.Helper()
	return client{p.Dial(t)}
}

func (c client) greeted() {
	c.HearLines("Welcome to my chat server.", "Send '/NAME [new name]' to change your name.", "Send '/EXIT' to quit.")
}

// Two people talk, one leaves, and the other is told that the server ends.
func TestConversation(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(listen, func(t *testing.T) {
			p := programtest.Serve(t, "-listen", listen)
			host, _, _ := net.SplitHostPort(p.Addr)
			alice := dial(t, p)
			alice.greeted()
			bob := dial(t, p)
			bob.greeted()
			alice.HearLines(host + "#2 has joined the party.")
			bob.SayLine("/NAME bob")
			alice.HearLines(host + "#2 changed name to bob")
			bob.HearLines(host + "#2 changed name to bob")
			alice.SayLine("hello")
			alice.HearLines(host + " says hello")
			bob.HearLines(host + " says hello")
			bob.SayLine("/EXIT")
			alice.HearLines("bob has disconnected.")
			bob.HearEnd()
			p.Signal(t, syscall.SIGTERM)
			alice.HearLines("Server is going down.")
			alice.HearEnd()
			p.Ends(t)
			assert.Regexp(t, "shutting down; open connections: [12], for 10s at most; another signal ends it now\n", p.Err.String())
		})
	}
}

// Who presses the interrupt key in telnet, part of which comes as urgent data, has
// none of his text lost, and nobody sees it.
func TestInterruptKey(t *testing.T) {
	p := programtest.Serve(t, "-listen", "127.0.0.1:0")
	alice := dial(t, p)
	alice.greeted()
	alice.Say("ha\xff\xf4\xff") // IP, and the beginning of a Synch
	raw, err := alice.Conn.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { err = syscall.Sendto(int(fd), []byte("\xf2"), syscall.MSG_OOB, nil) }))
	require.NoError(t, err)
	alice.SayLine("\xff\xfd\x06lf") // DO TIMING-MARK
	alice.HearLines("\xff\xfb\x06127.0.0.1 says half")
	alice.Close()
	p.Stop(t, syscall.SIGTERM)
}

// The limits can be set.
func TestFlags(t *testing.T) {
	p := programtest.Serve(t, "-listen", "127.0.0.1:0", "-members", "2", "-history", "5", "-line", "10", "-burst", "3")
	alice := dial(t, p)
	alice.greeted()
	alice.SayLine("hello")
	alice.HearLines("127.0.0.1 says hello")
	alice.SayLine("hello hello")
	alice.HearLines("Your line was not said: it is longer than 10 bytes.")
	bob := dial(t, p)
	bob.greeted()
	bob.HearLines("127.0.0.1 says hello")
	carol := dial(t, p)
	carol.HearLines("The room is full. Come back later.")
	carol.HearEnd()
	for range 4 {
		bob.SayLine("")
	}
	bob.HearLines("You send too fast. Your lines are held up for a while.")
	alice.Close()
	bob.Close()
	p.Stop(t, syscall.SIGINT)
}

// What makes no sense is said at once.
func TestMistakes(t *testing.T) {
	for _, args := range [][]string{
		{"what"}, {"-reactors", "-1"}, {"-host", "-1"}, {"-history", "-1"}, {"-idle", "-1s"}, {"-line", "0"}, {"-line", "-1"}, {"-name", "0"},
		{"-burst", "0"}, {"-members", "0"}, {"-tolerance", "0"}, {"-backlog", "0"}, {"-interval", "0"}, {"-slow", "0"}, {"-slow", "-1s"},
	} {
		out, errs, status := programtest.Run(programtest.Command(append([]string{"-listen", "127.0.0.1:0"}, args...)...))
		assert.NotZero(t, status, args)
		assert.Empty(t, out)
		assert.Equal(t, 1, strings.Count(errs, "\n"), "%v: %s", args, errs)
	}
}

// One host cannot fill the room.
func TestConnectionsPerHost(t *testing.T) {
	p := programtest.Serve(t, "-listen", "127.0.0.1:0", "-host", "1")
	alice := dial(t, p)
	alice.greeted()
	bob := dial(t, p)
	_, err := bob.In.ReadByte()
	assert.Error(t, err)
	alice.Close()
	p.Stop(t, syscall.SIGINT)
}

// What cannot be listened on is one clear error.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	out, err := programtest.Command("-listen", l.Addr().String()).CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), l.Addr().String())
	assert.Contains(t, string(out), "address already in use")
}
