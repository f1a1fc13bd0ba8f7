package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/examples/internal/programtest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

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
	p := programtest.Serve(t, "-listen", "127.0.0.1:0", "-password", "open")
	c := p.Dial(t)
	c.Say("eve\nopen\n")
	c.Hear("Name: " + will + "Password: \r\n") // the client has not agreed yet: our WONT comes later
	c.Hear("Welcome.\r\n")
	c.Close()
	p.Stop(t, syscall.SIGTERM)
}
