package protocoltest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
)

// Transcript plays a file of what a client and our server say to each other, with
// every cut of Cuts. Its lines begin with
//
//	C:   the client sends the rest of the line and CRLF
//	C|   the client sends the rest of the line as it is
//	C"   the client sends the string of Go that begins here: C"\xff\xfb\x01"
//	C.   the client ends its side
//	S:   we answer the rest of the line and CRLF
//	S|   we answer the rest of the line as it is
//	S"   we answer the string of Go that begins here
//	S.   we end our side
//	D.   we go down: the protocol's Shutdown, see protocol.Shutdowner
//	T:   that much time passes (time.ParseDuration)
//	T~   the same, and what we answer behind it we may have answered before
//	#    a comment
//
// Between the mark and the text there has to be one space, which is no part of it. What the client says
// without waiting for an answer is cut as a whole; our answers up to the
// client's next word are compared at once, so nothing else may be said. f builds
// a protocol for each cut; what it shares lives through all of them. The first cut
// that fails is the last one.
//
// Connections that were recorded by a factory.Recording are such files. Their times
// are T~: here nothing takes time but timers, so what came of work elsewhere, or of
// reading on, comes at once. Where it is the client that is tested, C is its server.
func Transcript(t *testing.T, f factory.Factory, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for name := range Cuts("") {
		if !t.Run(name, func(t *testing.T) { play(t, f, name, file, string(text)) }) {
			return
		}
	}
}

// A judge is told what is wrong.
type judge interface {
	require.TestingT
	Helper()
}

// A player plays one transcript with one cut.
type player struct {
	judge
	tr   *Transport
	cut  string
	file string
	line int    // the number of the line that is played
	last string // line of the client
	said string // by the client, not sent yet
	want string // of us, not compared yet
	got  string // of us, not expected yet
}

func play(t judge, f factory.Factory, cut, file, text string) {
	t.Helper()
	p := &player{judge: t, tr: Connect(f.BuildProtocol(theirs)), cut: cut, file: file, last: "the beginning"}
	for i, l := range strings.Split(text, "\n") {
		p.line = i + 1
		p.next(l)
	}
	p.line++
	p.compare()
}

// next plays one line.
func (p *player) next(l string) {
	p.Helper()
	mark, rest := l[:min(2, len(l))], l[min(2, len(l)):]
	who := mark[:min(1, len(mark))]
	if p.want != "" && who != "S" && mark != "T~" {
		p.compare()
	}
	if who == "C" {
		p.last = fmt.Sprintf("line %d, %s", p.line, l)
	}
	switch mark {
	case "C:", "C|", `C"`:
		p.said += p.text(mark, rest)
	case "S:", "S|", `S"`:
		p.want += p.text(mark, rest)
	case "C.":
		p.send()
		p.tr.EOF()
	case "S.":
		p.compare()
		assert.True(p, p.tr.Closed(), "%s: not closed", p.where())
	case "D.":
		p.compare()
		p.tr.Shutdown()
	case "T:":
		p.compare()
		p.advance(rest)
	case "T~":
		p.compareFirst()
		p.advance(rest)
	default:
		comment := l == "" || l == "#" || strings.HasPrefix(l, "# ")
		require.True(p, comment, "%s:%d is no transcript: %q", p.file, p.line, l)
	}
}

// where is where we are, for whoever reads what is wrong.
func (p *player) where() string {
	return fmt.Sprintf("at %s:%d, behind %s", p.file, p.line, p.last)
}

// text is what the rest of a line with this mark says.
func (p *player) text(mark, rest string) string {
	p.Helper()
	if mark[1] == '"' {
		text, err := strconv.Unquote(`"` + rest)
		require.NoError(p, err, "%s:%d is no transcript: %q", p.file, p.line, mark+rest)
		return text
	}
	text, ok := strings.CutPrefix(rest, " ")
	require.True(p, ok || rest == "", "%s:%d needs a space behind %s: %q", p.file, p.line, mark, mark+rest)
	if mark[1] == ':' {
		text += "\r\n"
	}
	return text
}

// send has the client say what it has to say.
func (p *player) send() {
	for name, pieces := range Cuts(p.said) {
		if name == p.cut {
			for _, s := range pieces {
				p.tr.Receive(s)
			}
		}
	}
	p.said = ""
}

// answers sends, and returns what we have answered since the last comparison.
func (p *player) answers() string {
	p.send()
	p.got += p.tr.Take()
	return p.got
}

// compare looks at all that we have answered.
func (p *player) compare() {
	p.Helper()
	require.Equal(p, p.want, p.answers(), p.where())
	p.want, p.got = "", ""
}

// compareFirst looks at what we have to have answered by now.
func (p *player) compareFirst() {
	p.Helper()
	got := p.answers()
	first := got[:min(len(p.want), len(got))]
	require.Equal(p, p.want, first, p.where())
	p.want, p.got = "", got[len(first):]
}

// advance has that much time pass.
func (p *player) advance(text string) {
	p.Helper()
	d, err := time.ParseDuration(p.text("T|", text))
	require.NoError(p, err, p.where())
	p.tr.Advance(d)
}
