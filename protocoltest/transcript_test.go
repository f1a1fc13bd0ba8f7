package protocoltest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
)

// An accuser is a judge who remembers the first thing that was wrong.
type accuser struct{ wrong string }

func (a *accuser) Helper() {}

func (a *accuser) Errorf(format string, args ...any) {
	if a.wrong == "" {
		a.wrong = fmt.Sprintf(format, args...)
	}
}

func (a *accuser) FailNow() { panic(a) }

// judged plays text with a cut and returns what was wrong; "" if nothing was.
func judged(f factory.Factory, cut, text string) string {
	a := &accuser{}
	func() {
		defer func() {
			if v := recover(); v != nil && v != any(a) {
				panic(v)
			}
		}()
		play(a, f, cut, "file", text)
	}()
	return a.wrong
}

// A polite protocol shouts back, and says goodbye when the server goes down.
type polite struct{ protocol.Base }

func (p *polite) DataReceived(data []byte) { fmt.Fprint(p, strings.ToUpper(string(data))) }

func (p *polite) Shutdown() {
	fmt.Fprint(p, "bye")
	p.LoseConnection()
}

func politely() factory.Factory {
	return factory.Each(func() protocol.Protocol { return &polite{} })
}

// What a transcript says has to happen, and nothing else may.
func TestTranscript(t *testing.T) {
	for _, c := range []struct{ text, wrong string }{
		{"", ""},
		{"# a comment\n#\n\nC: a\nC|  b\nS: A\nS|  B", ""},
		{"C:\nS:\n", ""},
		{"C\"\\x00\\xff\\n a\"\nS\"\\x00\ufffd\\n A\"", ""},
		{"C\"a\\r\\n\"\nC|b\nS: A\nS| B", `file:2 needs a space behind C|: "C|b"`},
		{"C| a\nC| b\nS| A\nS| B\nC.\nS.", ""},
		{"C| a\nD.\nS| Abye\nS.", "at file:2"},
		{"C| a\nS| A\nD.\nS| bye\nS.", ""},
		{"C| a\nS| A\nS.", "at file:3, behind line 1, C| a: not closed"},
		{"C| a\nS| B\nC| b", "at file:3"},
		{"C| a\nS| A\nT: 1s\nS| A", "at file:5, behind line 1, C| a"},
		{"C| a\nT: 1s\nS| A", "at file:2, behind line 1, C| a"},
		{"C| a\nT~ 1s\nS| A", ""},
		{"C| a\nC| b\nS| A\nT~ 1s\nT~ 1s\nS| B\nC| c\nS| C\nC.\nT~ 1s\nS.", ""},
		{"C| a\nS| A\nT~ 1s\nS| B", "at file:5"},
		{"C| a\nS| AB\nT~ 1s", "at file:3"},
		{"C| a\nS| B\nT~ 1s", "at file:3"},
		{"C| ab\nS| A\nT~ 1s", "at file:4"},
		{"C| ab\nS| A\nT~ 1s\nC| c", "at file:5"},
		{"T~ soon", "file:1"},
		{"S| A", "at file:2, behind the beginning"},
		{"C| a", "at file:2"},
		{"T: soon", "file:1"},
		{"C\"", "file:1"},
		{"C\"a", "file:1"},
		{"C \"a\"", "file:1"},
		{"#!", "file:1"},
		{"X: a", "file:1"},
		{"C", "file:1"},
	} {
		wrong := judged(politely(), "whole", c.text)
		assert.Equal(t, c.wrong == "", wrong == "", "%q: %s", c.text, wrong)
		assert.Contains(t, wrong, c.wrong, "%q", c.text)
	}
}

// A session of lines has something of everything: it answers them, says so if
// nobody speaks, takes a few bytes as they come, and has a last word.
type session struct {
	line.Base
	nag   string // what it says after ten seconds
	wants int    // bytes
	sum   byte
}

func (s *session) ConnectionMade(c *line.Conn) {
	s.SendLine("200 ready")
	s.wait()
}

func (s *session) wait() { s.AfterFunc(10*time.Second, func() { s.SendLine(s.nag) }) }

func (s *session) LineReceived(l []byte) {
	switch string(l) {
	case "PUT":
		s.wants = 4
		s.SendLine("go on")
		s.SetRawMode()
	case "QUIT":
		s.SendLine("221 bye")
		s.LoseConnection()
	default:
		s.SendLine("250 " + string(l))
	}
}

func (s *session) RawDataReceived(data []byte) {
	n := min(s.wants, len(data))
	for _, b := range data[:n] {
		s.sum += b
	}
	if s.wants -= n; s.wants == 0 {
		s.SendBytes([]byte{s.sum, 0xff, '\n'})
		s.SetLineMode(data[n:])
	}
}

func (s *session) EOFReceived() (keep bool) {
	s.SendLine("so long")
	return false
}

func (s *session) Shutdown() {
	s.SendLine("421 later")
	s.LoseConnection()
}

func nagging(nag string) factory.Factory {
	return factory.Each(func() protocol.Protocol { return line.New(&session{nag: nag}) })
}

// A tape keeps what is recorded.
type tape struct{ bytes.Buffer }

func (t *tape) Close() error { return nil }

// record returns the transcript of a session with f.
func record(f factory.Factory, session func(tr *Transport)) string {
	t := &tape{}
	r := factory.Recording{Open: func(net.Addr) (io.WriteCloser, error) { return t, nil }}
	session(Connect(r.Around(f).BuildProtocol(theirs)))
	return t.String()
}

// What was recorded can be played, whatever the cuts, and another protocol does
// not pass.
func TestRecordingsCanBePlayed(t *testing.T) {
	for name, peer := range map[string]func(tr *Transport){
		"end": func(tr *Transport) {
			tr.Receive("hello\r\nhe")
			tr.Advance(2500 * time.Millisecond)
			tr.Receive("llo \r\n\r\nPUT\r\n")
			tr.Receive("\x00\xff")
			tr.Advance(123456 * time.Microsecond)
			tr.Receive("\n\x80é\n\"\r\n")
			tr.Advance(time.Minute)
			tr.Receive("still here\r\nhalf a line")
			tr.EOF()
		},
		"quit": func(tr *Transport) {
			tr.Advance(time.Minute)
			tr.Receive("QUIT\r\nunheard\r\n")
		},
		"shutdown": func(tr *Transport) {
			tr.Advance(time.Minute)
			tr.Shutdown()
		},
		"reset": func(tr *Transport) {
			tr.Advance(time.Minute)
			tr.Receive("hel")
			tr.Reset()
		},
	} {
		text := record(nagging("hurry up"), peer)
		for cut := range Cuts("") {
			assert.Empty(t, judged(nagging("hurry up"), cut, text), "%s, %s:\n%s", name, cut, text)
			assert.Contains(t, judged(nagging("Hurry up"), cut, text), "Not equal", "%s, %s", name, cut)
		}
	}
}

// A slow protocol takes its time for a line, during which it does not read, and has
// another one worked on elsewhere.
type slow struct{ line.Base }

func (s *slow) LineReceived(l []byte) {
	text := string(l)
	s.SendLine("wait, " + text)
	s.PauseReading()
	s.AfterFunc(20*time.Millisecond, func() {
		s.SendLine("done, " + text)
		s.ResumeReading()
		err := s.Loop().(protocol.Worker).Work(func() {
			_ = s.Loop().Call(func() { s.SendLine("worked, " + text) })
		})
		if err != nil {
			s.Abort()
		}
	})
}

// What took time when it was recorded and takes none here does not matter.
func TestRecordingsOfSlowProtocolsCanBePlayed(t *testing.T) {
	const text = "C: 1\nC: 2\nS: wait, 1\nT~ 20ms\nS: done, 1\nT~ 1ms\nS: wait, 2\n" +
		"T~ 7ms\nS: worked, 1\nT~ 12ms\nS: done, 2\nT~ 30ms\nS: worked, 2\nC.\nS.\n"
	slowly := factory.Each(func() protocol.Protocol { return line.New(&slow{}) })
	for cut := range Cuts("") {
		assert.Empty(t, judged(slowly, cut, text), cut)
		assert.Contains(t, judged(slowly, cut, strings.ReplaceAll(text, "T~", "T:")), "at file:6, behind line 2, C: 2")
	}
}
