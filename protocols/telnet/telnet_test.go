package telnet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

// A session notes all that it can hear, in order, and does what some lines say.
type session struct {
	line.Base
	log []string
}

func (s *session) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

func (s *session) take() string {
	all := strings.Join(s.log, ", ")
	s.log = nil
	return all
}

func (s *session) LineReceived(l []byte) {
	s.note("%q", l)
	c := telnet.Of(s.Conn)
	switch string(l) {
	case "hide":
		c.HideInput()
	case "show":
		c.ShowInput()
	case "pause":
		s.PauseReading()
	case "cr":
		s.SendLine("\rx")
	case "lose":
		s.LoseConnection()
	}
}

func (s *session) WindowResized(w, h int)                           { s.note("%dx%d", w, h) }
func (s *session) TerminalNamed(name string)                        { s.note("%s", name) }
func (s *session) CommandReceived(c telnet.Command)                 { s.note("%v", c) }
func (s *session) SubnegotiationReceived(o telnet.Option, p []byte) { s.note("%v %q", o, p) }

func (s *session) OptionChanged(o telnet.Option, ours, on bool) {
	s.note("%v %s %s", o, map[bool]string{true: "ours", false: "theirs"}[ours], map[bool]string{true: "on", false: "off"}[on])
}

func (s *session) ConnectionLost(error) { s.note("lost") }

// ignorant is a session that knows nothing of telnet.
type ignorant struct {
	line.Base
	heard []string
}

func (i *ignorant) LineReceived(l []byte) { i.heard = append(i.heard, string(l)) }

// A turn of a dialogue: what the peer sends, what is answered, what is heard.
type turn struct{ sends, answer, heard string }

// talk plays a dialogue with a session over telnet, with every cut.
func talk(t *testing.T, c telnet.Config, turns ...turn) {
	t.Helper()
	for cut := range protocoltest.Cuts("") {
		s := &session{}
		tr := protocoltest.Connect(c.New(line.Config{AcceptLF: true}.New(s)))
		for _, turn := range turns {
			for name, pieces := range protocoltest.Cuts(turn.sends) {
				for _, p := range pieces {
					if name == cut {
						tr.Receive(p)
					}
				}
			}
			assert.Equal(t, turn.answer, tr.Take(), "%s: after %q", cut, turn.sends)
			assert.Equal(t, turn.heard, s.take(), "%s: after %q", cut, turn.sends)
		}
	}
}

// nc, and a client that negotiates nothing, hear nothing of telnet.
func TestSilentPeerIsLeftAlone(t *testing.T) {
	talk(t, telnet.Config{},
		turn{"", "", ""},
		turn{"hello\r\nGr\u00fc\u00dfe\n", "", `"hello", "Grüße"`},
		turn{"a\x00b\rc\n", "", `"a\x00b\rc"`},
		turn{"\xffstray\xff\n", "", `"stray"`},
	)
}

// Enter is CR LF, LF or CR NUL.
func TestEnterEndsTheLine(t *testing.T) {
	talk(t, telnet.Config{}, turn{"one\r\ntwo\r\x00three\n", "", `"one", "two", "three"`})
}

// What nobody has agreed to is refused, each time, and what is refused stays so
// without a word.
func TestOptionsAreRefused(t *testing.T) {
	talk(t, telnet.Config{},
		turn{"\xff\xfd\x01\xff\xfb\x22\xff\xfd\xff", "\xff\xfc\x01\xff\xfe\x22\xff\xfc\xff", ""},
		turn{"\xff\xfd\x01", "\xff\xfc\x01", ""},
		turn{"\xff\xfe\x01\xff\xfc\x22", "", ""},
		turn{"\xff\xfa\x22\x03\xff\xf0\xff\xfa\x1f\x00P\x00\x18\xff\xf0x\n", "", `"x"`},
	)
}

// A timing mark is answered each time (RFC 860).
func TestTimingMark(t *testing.T) {
	talk(t, telnet.Config{},
		turn{"\xff\xfd\x06\xff\xfd\x06", "\xff\xfb\x06\xff\xfb\x06", ""},
		turn{"\xff\xfe\x06", "", ""},
		turn{"\xff\xfb\x06\xff\xfc\x06", "", "TM theirs on, TM theirs off"},
	)
}

// The size of the window is heard as soon as the client offers to tell it, once
// it has been agreed to (RFC 1073).
func TestWindowSize(t *testing.T) {
	talk(t, telnet.Config{},
		turn{"\xff\xfb\x1f", "\xff\xfd\x1f", "NAWS theirs on"},
		turn{"\xff\xfb\x1f", "", ""},
		turn{"\xff\xfa\x1f\x00P\x00\x18\xff\xf0", "", "80x24"},
		turn{"\xff\xfa\x1f\x01\xff\xff\x00\x00\xff\xf0", "", "511x0"},
		turn{"\xff\xfa\x1f\x00P\x00\xff\xf0\xff\xfa\x1f12345\xff\xf0", "", ""},
		turn{"\xff\xfc\x1f", "\xff\xfe\x1f", "NAWS theirs off"},
		turn{"\xff\xfa\x1f\x00P\x00\x18\xff\xf0", "", ""},
	)
}

// The terminal is asked for when the client offers to tell it (RFC 1091).
func TestTerminalType(t *testing.T) {
	talk(t, telnet.Config{},
		turn{"\xff\xfb\x18", "\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0", "TTYPE theirs on"},
		turn{"\xff\xfa\x18\x00xterm-256color\xff\xf0", "", "xterm-256color"},
		turn{"\xff\xfa\x18\x00\x1b[2J\xff\xf0\xff\xfa\x18\x00" + strings.Repeat("x", 41) + "\xff\xf0", "", ""},
		turn{"\xff\xfa\x18\x01\xff\xf0\xff\xfa\x18\x00\xff\xf0", "", ""},
	)
}

// Commands are told at their place in the text.
func TestCommandsInOrder(t *testing.T) {
	talk(t, telnet.Config{},
		turn{"one\r\nha\xff\xf4\xff\xf2lf\r\n", "", `"one", IP, DM, "half"`},
		turn{"\xff\xf6", "[Yes]\r\n", "AYT"},
		turn{"\xff\xf0\xff\xf7", "", "EC"},
	)
	assert.Equal(t, "command 7", telnet.Command(7).String())
}

// What the configuration offers, asks for, grants and accepts.
func TestConfiguredOptions(t *testing.T) {
	c := telnet.Config{
		Offer: []telnet.Option{telnet.SGA}, Ask: []telnet.Option{telnet.NAWS},
		Grant: []telnet.Option{telnet.EOR}, Accept: []telnet.Option{201},
	}
	talk(t, c,
		turn{"", "\xff\xfb\x03\xff\xfd\x1f", ""},
		turn{"\xff\xfd\x03\xff\xfc\x1f", "", "SGA ours on"},
		turn{"\xff\xfe\x03", "\xff\xfc\x03", "SGA ours off"},
		turn{"\xff\xfd\x03\xff\xfb\x1f", "\xff\xfb\x03\xff\xfd\x1f", "SGA ours on, NAWS theirs on"},
		turn{"\xff\xfd\x19\xff\xfb\xc9", "\xff\xfb\x19\xff\xfd\xc9", "EOR ours on, option 201 theirs on"},
		turn{"\xff\xfb\x19\xff\xfd\xc9", "\xff\xfe\x19\xff\xfc\xc9", ""},
		turn{"\xff\xfa\xc9Core.Hello\xff\xf0", "", `option 201 "Core.Hello"`},
	)
}

// Each side is binary for itself: a CR of the peer's means nothing then, and ours
// still is text (RFC 856).
func TestBinaryOneWay(t *testing.T) {
	talk(t, telnet.Config{Accept: []telnet.Option{telnet.Binary}},
		turn{"a\r\x00b\r\n", "", `"a", "b"`},
		turn{"\xff\xfb\x00", "\xff\xfd\x00", "BINARY theirs on"},
		turn{"a\r\x00b\xff\xff\r\n", "", `"a\r\x00b\xff"`},
		turn{"cr\r\n", "\r\x00x\r\n", `"cr"`},
		turn{"\xff\xfc\x00a\r\x00", "\xff\xfe\x00", `BINARY theirs off, "a"`},
		turn{"\xff\xfd\x00", "\xff\xfc\x00", ""},
	)
	talk(t, telnet.Config{Grant: []telnet.Option{telnet.Binary}},
		turn{"\xff\xfd\x00", "\xff\xfb\x00", "BINARY ours on"},
		turn{"cr\r\x00", "\rx\r\n", `"cr"`},
	)
}

// A password is not shown: we say that we echo, and do not.
func TestPasswordIsHidden(t *testing.T) {
	talk(t, telnet.Config{},
		turn{"hide\r\n", "\xff\xfb\x01", `"hide"`},
		turn{"\xff\xfd\x01secret\r\n", "", `ECHO ours on, "secret"`},
		turn{"show\r\n", "\xff\xfc\x01", `"show"`},
		turn{"\xff\xfe\x01", "", "ECHO ours off"},
		turn{"hide\r\nshow\r\nhide\r\nshow\r\n", "\xff\xfb\x01", `"hide", "show", "hide", "show"`},
		turn{"\xff\xfd\x01", "\xff\xfc\x01", "ECHO ours on"},
		turn{"\xff\xfe\x01", "", "ECHO ours off"},
		turn{"hide\r\n\xff\xfe\x01", "\xff\xfb\x01", `"hide"`},
	)
}

// What comes behind a pause waits, commands and text alike.
func TestPauseKeepsTheOrder(t *testing.T) {
	for name, pieces := range protocoltest.Cuts("one\r\npause\r\n\xff\xfb\x1ftwo\r\n\xff\xfa\x1f\x00P\x00\x18\xff\xf0three\r\nlose\r\nfour\r\n\xff\xf6") {
		t.Run(name, func(t *testing.T) {
			s := &session{}
			tr := protocoltest.Connect(telnet.Config{}.New(line.New(s)))
			for _, p := range pieces {
				tr.Receive(p)
			}
			assert.Equal(t, `"one", "pause"`, s.take())
			assert.Empty(t, tr.Take())
			tr.Do(s.ResumeReading)
			assert.Equal(t, `NAWS theirs on, "two", 80x24, "three", "lose", lost`, s.take())
			assert.Equal(t, "\xff\xfd\x1f", tr.Take())
		})
	}
}

// What has begun is dropped, and counted, and what follows is not mistaken for the
// rest of it.
func TestDropInput(t *testing.T) {
	for in, want := range map[string]int{
		"one\r\n": 0, "12": 2, "1\r": 2, "\xff": 1, "\xff\xfd": 2, "1\xff\xfa\x18x\xff": 6,
	} {
		for _, pieces := range protocoltest.Cuts(in) {
			s := &session{}
			p := telnet.Config{}.New(line.New(s))
			tr := protocoltest.Connect(p)
			for _, piece := range pieces {
				tr.Receive(piece)
			}
			s.take()
			tr.Do(func() {
				assert.Equal(t, want, p.(protocol.InputHolder).DropInput(), "%q", in)
				assert.Zero(t, p.(protocol.InputHolder).DropInput())
			})
			tr.Receive("\x00next\r\n")
			assert.Equal(t, `"\x00next"`, s.take(), "%q", in)
		}
	}
}

// A transport below that hands up more during a pause loses nothing by it.
func TestInputDuringAPause(t *testing.T) {
	s := &session{}
	p := telnet.Config{}.New(line.New(s))
	tr := protocoltest.Connect(p)
	tr.Receive("pause\r\none\r\n")
	tr.Do(func() { p.DataReceived([]byte("tw")); p.DataReceived([]byte("o\r\n\xff")) })
	assert.Equal(t, `"pause"`, s.take())
	tr.Do(s.ResumeReading)
	tr.Receive("\xf4")
	assert.Equal(t, `"one", "two", IP`, s.take())
}

// So is what waits behind a pause.
func TestDropInputBehindAPause(t *testing.T) {
	s := &session{}
	p := telnet.Config{}.New(line.New(s))
	tr := protocoltest.Connect(p)
	tr.Receive("pause\r\n1234\xff\xf4567\r\n\xff")
	tr.Do(func() {
		assert.Equal(t, 12, p.(protocol.InputHolder).DropInput())
		assert.Zero(t, p.(protocol.InputHolder).DropInput())
		s.ResumeReading()
	})
	assert.Equal(t, `"pause"`, s.take())
}

// A transfer paces itself, as a proxy does, so nothing but the layer can stop the
// reading.
type transfer struct{ protocol.Base }

func (*transfer) DataReceived([]byte) {}
func (*transfer) PauseWriting()       {}
func (*transfer) ResumeWriting()      {}

// A peer that asks without end and reads no answer costs no more than a bound, and
// is answered when it reads.
func TestAnswersAreBounded(t *testing.T) {
	x := &transfer{}
	tr := protocoltest.Connect(telnet.Config{}.New(x))
	tr.Stall(true)
	for range 4 {
		tr.Receive(strings.Repeat("\xff\xfd\x01", 10_000))
	}
	tr.Do(func() { assert.Less(t, x.Buffered(), 70_000) })
	tr.Stall(false)
	answered := 0
	for n := -1; n != answered; {
		n = answered
		answered += len(tr.Take())
	}
	assert.Equal(t, 4*30_000, answered)
}

// Two that both speak telnet agree, and a binary transfer between them changes no
// byte, whatever the pieces.
func TestBothSides(t *testing.T) {

	both := []telnet.Option{telnet.Binary}
	for size := range 7 {
		client, server := &session{}, &session{}
		p := protocoltest.NewPump(
			telnet.Config{Accept: both, Grant: both, BareCR: true}.New(line.New(client)),
			telnet.Config{Offer: both, Ask: both}.New(line.New(server)))
		p.MaxPiece(size)
		p.Flush()
		assert.Equal(t, "BINARY ours on, BINARY theirs on", server.take())
		var all strings.Builder
		for i := range 3 * 256 {
			if b := byte(i * 7); b != '\n' {
				all.WriteByte(b)
			}
		}
		client.take()
		p.Do(func() { client.SendLine(all.String()); server.SendLine(all.String()) })
		assert.Equal(t, fmt.Sprintf("%q", all.String()), server.take())
		assert.Equal(t, fmt.Sprintf("%q", all.String()), client.take())

		p.Do(func() {
			c := telnet.Of(client.Conn)
			assert.True(t, c.We(telnet.Binary) && c.They(telnet.Binary))
			c.Wont(telnet.Binary)
			client.SendLine("text\r")
			c.Dont(telnet.Binary)
			c.Do(telnet.TM)
			c.Dont(telnet.TM)
			c.Command(telnet.Interrupt)
			c.Subnegotiate(telnet.Binary, []byte("\xff!"))
			c.Subnegotiate(telnet.NAWS, nil)
		})
		assert.Equal(t, `BINARY theirs off, "text", "", BINARY ours off, IP`, server.take())
		assert.Equal(t, "BINARY ours off, BINARY theirs off, TM theirs on", client.take())
	}
}

// A session without the layer may call all of Conn's methods.
func TestConnWithoutTelnet(t *testing.T) {
	s := &session{}
	tr := protocoltest.Connect(line.New(s))
	tr.Receive("hide\r\nshow\r\n")
	tr.Do(func() {
		c := telnet.Of(s.Conn)
		assert.Nil(t, c)
		c.Do(telnet.NAWS)
		c.Command(telnet.NOP)
		c.Subnegotiate(telnet.NAWS, nil)
		assert.False(t, c.We(telnet.Echo) || c.They(telnet.Echo))
	})
	assert.Empty(t, tr.Take())
}

// A line that is written at once, with large answers, is bounded below the lines
// too, and a session that ends after EOF still says its last words.
func TestLinesOverTelnetEnd(t *testing.T) {
	i := &ignorant{}
	tr := protocoltest.Connect(telnet.Config{}.New(line.New(i)))
	tr.Receive("one\r\n\xff\xfb\x1f\xff\xfb\x18\xff\xf4\xff\xfb\x06")
	assert.Equal(t, "\xff\xfe\x1f\xff\xfe\x18", tr.Take(), "it hears of neither")
	tr.Stall(true)
	tr.Do(func() { i.SendLine("bye") })
	tr.EOF()
	assert.NoError(t, tr.Lost())
	tr.Stall(false)
	assert.Equal(t, "bye\r\n", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	assert.Equal(t, []string{"one"}, i.heard)
}

// Nothing is left of a connection that ended while input waited.
func TestEndWhilePaused(t *testing.T) {
	s := &session{}
	tr := protocoltest.Connect(telnet.Config{}.New(line.New(s)))
	tr.Receive("pause\r\ntwo\r\n\xff\xfb")
	tr.Do(func() { s.AfterFunc(time.Second, s.Abort) })
	tr.Advance(time.Second)
	assert.Equal(t, `"pause", lost`, s.take())
	assert.Zero(t, tr.Timers())
}
