package protocoltest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
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

// judged plays text whole and returns what was wrong; "" if nothing was.
func judged(f factory.Factory, text string) string {
	a := &accuser{}
	func() {
		defer func() {
			if v := recover(); v != nil && v != any(a) {
				panic(v)
			}
		}()
		play(a, f, "whole", text)
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
		{"C\"a\\r\\n\"\nC|b\nS: A\nS| B", `line 2 is no transcript: "C|b"`},
		{"C| a\nC| b\nS| A\nS| B\nC.\nS.", ""},
		{"C| a\nD.\nS| Abye\nS.", "before line 2"},
		{"C| a\nS| A\nD.\nS| bye\nS.", ""},
		{"C| a\nS| A\nS.", "line 3: not closed"},
		{"C| a\nS| B\nC| b", "before line 3"},
		{"C| a\nS| A\nT: 1s\nS| A", "before line 5"},
		{"C| a", "before line 2"},
		{"T: soon", "line 1"},
		{"C\"", "line 1"},
		{"C\"a", "line 1"},
		{"C \"a\"", "line 1"},
		{"#!", "line 1"},
		{"X: a", "line 1"},
		{"C", "line 1"},
	} {
		wrong := judged(politely(), c.text)
		assert.Equal(t, c.wrong == "", wrong == "", "%q: %s", c.text, wrong)
		assert.Contains(t, wrong, c.wrong, "%q", c.text)
	}
}
