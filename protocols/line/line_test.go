package line_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocoltest"
)

// An actor does what the lines tell it, and remembers all that happens.
type actor struct {
	line.Base
	keep bool // lines that are too long
	raw  int  // bytes of raw data still wanted
	log  []string
}

func (a *actor) note(format string, args ...any) { a.log = append(a.log, fmt.Sprintf(format, args...)) }

func (a *actor) LineReceived(l []byte) {
	s := string(l)
	a.note("line %q", s)
	verb, arg, _ := strings.Cut(s, " ")
	switch verb {
	case "pause":
		a.PauseReading()
	case "flicker":
		a.PauseReading()
		a.ResumeReading()
	case "delimiter":
		a.SetDelimiter(arg)
	case "limit":
		var n int
		fmt.Sscan(arg, &n)
		a.SetMaxLength(n)
	case "raw":
		fmt.Sscan(arg, &a.raw)
		if a.raw > 0 {
			a.SetRawMode()
		}
	case "clear":
		a.note("cleared %q", a.ClearLineBuffer())
	case "drop":
		a.ClearLineBuffer()
	case "lose":
		a.LoseConnection()
	case "abort":
		a.Abort()
	case "panic":
		panic("asked for")
	}
	if string(l) != s {
		a.note("line changed under the handler: %q", l)
	}
}

func (a *actor) RawDataReceived(data []byte) {
	n := min(a.raw, len(data))
	a.raw -= n
	if last := len(a.log) - 1; strings.HasPrefix(a.log[last], "raw ") {
		a.log[last] += string(data[:n]) // however it was cut
	} else {
		a.note("raw %s", data[:n])
	}
	if a.raw == 0 {
		a.SetLineMode(data[n:])
	}
}

func (a *actor) ConnectionLost(reason error) { a.note("lost: %v", reason) }

// A keeper is an actor that hears of lines that are too long.
type keeper struct{ actor }

func (k *keeper) LineTooLong(n int) bool {
	k.note("longer than %d", n)
	return k.keep
}

func receive(tr *protocoltest.Transport, pieces ...string) {
	for _, p := range pieces {
		tr.Receive(p)
	}
}

// What the handler does on one line holds for the next, wherever the input is cut.
func TestLinesIgnoreCuts(t *testing.T) {
	const done = "lost: connection done"
	for _, test := range []struct {
		name, in string
		log      []string
	}{
		{"lines", "one\r\ntwo\r\n\r\n", []string{`line "one"`, `line "two"`, `line ""`}},
		{"unfinished line is dropped", "one\r\ntwo", []string{`line "one"`}},
		{"delimiter", "delimiter ;\r\none;two\r\n;delimiter \r\n;three;\r\n", []string{
			`line "delimiter ;"`, `line "one"`, `line "two\r\n"`, `line "delimiter \r\n"`, `line "three;"`}},
		{"raw and back", "raw 5\r\n12\r\n5one\r\nraw 1\r\n\rtwo\r\n", []string{
			`line "raw 5"`, "raw 12\r\n5", `line "one"`, `line "raw 1"`, "raw \r", `line "two"`}},
		{"limit", "limit 3\r\nabc\r\nabcd\r\n", []string{`line "limit 3"`, `line "abc"`, "lost: line: too long"}},
		{"pause and resume at once", "flicker\r\none\r\nflicker\r\ntwo\r\n", []string{`line "flicker"`, `line "one"`, `line "flicker"`, `line "two"`}},
		{"lose", "one\r\nlose\r\ntwo\r\nthree\r\n", []string{`line "one"`, `line "lose"`, done}},
		{"abort", "one\r\nabort\r\ntwo\r\n", []string{`line "one"`, `line "abort"`, "lost: connection aborted"}},
		{"panic", "one\r\npanic\r\ntwo\r\n", []string{`line "one"`, `line "panic"`, "lost: panic in a protocol: asked for"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for cut, pieces := range protocoltest.Cuts(test.in) {
				t.Run(cut, func(t *testing.T) {
					a := &actor{}
					tr := protocoltest.Connect(line.New(a))
					receive(tr, pieces...)
					want := test.log
					if !strings.HasPrefix(want[len(want)-1], "lost") {
						tr.EOF()
						want = append(slices.Clip(want), done)
					}
					assert.Equal(t, want, a.log)
					assert.Zero(t, tr.Timers())
				})
			}
		})
	}
}

// A handler that pauses on a line gets the next one when it resumes, and not before.
func TestLinesWaitForResume(t *testing.T) {
	for cut, pieces := range protocoltest.Cuts("one\r\npause\r\npause\r\ntwo\r\nthr") {
		t.Run(cut, func(t *testing.T) {
			a := &actor{}
			tr := protocoltest.Connect(line.New(a))
			receive(tr, pieces...)
			assert.Equal(t, []string{`line "one"`, `line "pause"`}, a.log)
			tr.Advance(time.Hour)
			tr.Do(a.ResumeReading)
			assert.Equal(t, []string{`line "one"`, `line "pause"`, `line "pause"`}, a.log)
			tr.Do(a.ResumeReading)
			tr.Receive("ee\r\n")
			assert.Equal(t, []string{`line "two"`, `line "three"`}, a.log[3:])
		})
	}
}

// Lines that are held wait for the writer too: the automatic pause holds between
// two lines of one read.
func TestLinesWaitForSlowPeer(t *testing.T) {
	const lines = 200
	e := &echo{big: strings.Repeat("x", 16<<10)}
	tr := protocoltest.Connect(line.New(e))
	tr.Stall(true)
	tr.Receive(strings.Repeat("?\r\n", lines))
	var waiting int
	tr.Do(func() { waiting = tr.Buffered() })
	assert.Less(t, waiting, 512<<10)
	assert.Less(t, e.heard, 100)
	tr.Stall(false)
	for tr.Take() != "" {
	}
	assert.Equal(t, lines, e.heard)
}

// An echo answers each line, with more than it was told.
type echo struct {
	line.Base
	big   string
	heard int
}

func (e *echo) LineReceived(l []byte) {
	e.heard++
	e.SendBytes(l, []byte(e.big))
}

// A handler that hears of lines that are too long hears once of each, and goes
// on behind it or ends.
func TestTooLong(t *testing.T) {
	in := "abc\r\nabcdefghi\r\nok\r\n" + strings.Repeat("x", 1000) + "\r\nok\r\n"
	for cut, pieces := range protocoltest.Cuts(in) {
		t.Run(cut, func(t *testing.T) {
			k := &keeper{actor{keep: true}}
			tr := protocoltest.Connect(line.Config{MaxLength: 3}.New(k))
			receive(tr, pieces...)
			assert.Equal(t, []string{`line "abc"`, "longer than 3", `line "ok"`, "longer than 3", `line "ok"`}, k.log)
			assert.NoError(t, tr.Lost())

			k = &keeper{}
			tr = protocoltest.Connect(line.Config{MaxLength: 3}.New(k))
			receive(tr, pieces...)
			assert.Equal(t, []string{`line "abc"`, "longer than 3", "lost: line: too long"}, k.log)
			assert.ErrorIs(t, tr.Lost(), line.ErrTooLong)
		})
	}
}

// Without a handler for it, a line that is too long ends the connection when it
// is, not when it ends; what was answered before is delivered.
func TestTooLongEndsConnection(t *testing.T) {
	e := &echo{}
	tr := protocoltest.Connect(line.Config{MaxLength: 10}.New(e))
	tr.Receive("hello\r\n0123456789abcdef")
	assert.Equal(t, "hello\r\n", tr.Take())
	assert.True(t, tr.Closed())
	assert.ErrorIs(t, tr.Lost(), line.ErrTooLong)
}

// Changes that are made outside of the handler's events take hold of what has
// arrived, in an event of its own.
func TestChangesFromOutside(t *testing.T) {
	connect := func() (*actor, *protocoltest.Transport) {
		a := &actor{}
		tr := protocoltest.Connect(line.New(a))
		tr.Receive("one;two")
		return a, tr
	}
	t.Run("delimiter", func(t *testing.T) {
		a, tr := connect()
		tr.Do(func() {
			a.SetDelimiter(";")
			assert.Empty(t, a.log)
		})
		tr.Advance(0)
		tr.Receive(";")
		assert.Equal(t, []string{`line "one"`, `line "two"`}, a.log)
	})
	t.Run("raw", func(t *testing.T) {
		a, tr := connect()
		tr.Do(func() {
			a.note("now")
			a.raw = 4
			a.SetRawMode()
		})
		tr.Receive("\r\n")
		tr.Advance(0)
		assert.Equal(t, []string{"now", "raw one;", `line "two"`}, a.log)
	})
	t.Run("extra", func(t *testing.T) {
		a, tr := connect()
		extra := []byte("zero\r\n")
		tr.Do(func() { a.SetLineMode(extra) })
		clear(extra)
		tr.Advance(0)
		tr.Receive("\r\n")
		assert.Equal(t, []string{`line "zero"`, `line "one;two"`}, a.log)
	})
	t.Run("while paused", func(t *testing.T) {
		a, tr := connect()
		tr.Do(func() {
			a.PauseReading()
			a.SetDelimiter(";")
		})
		tr.Advance(time.Second)
		assert.Empty(t, a.log)
		tr.Do(a.ResumeReading)
		assert.Equal(t, []string{`line "one"`}, a.log)
	})
	t.Run("after the end", func(t *testing.T) {
		a, tr := connect()
		tr.Reset()
		require.Error(t, tr.Lost())
		tr.Do(func() {
			a.SendLine("nobody hears this")
			a.SetLineMode([]byte("three\r\n"))
			a.SetDelimiter(";")
			assert.Equal(t, "three\r\n", string(a.ClearLineBuffer()))
		})
		assert.Len(t, a.log, 1)
	})
}

// A handler may take what waits, and its unfinished line at the end.
func TestClearLineBuffer(t *testing.T) {
	a := &actor{}
	tr := protocoltest.Connect(line.New(a))
	tr.Receive("clear\r\none\r\ntw")
	tr.Receive("o\r\n")
	assert.Equal(t, []string{`line "clear"`, `cleared "one\r\ntw"`, `line "o"`}, a.log)

	last := &lastLine{}
	tr = protocoltest.Connect(line.New(last))
	tr.Receive("one\r\ntw")
	tr.Receive("o")
	tr.EOF()
	assert.Equal(t, "two", last.rest)
}

// A lastLine wants the line that has no ending too.
type lastLine struct {
	line.Base
	rest string
}

func (l *lastLine) LineReceived([]byte) {}

func (l *lastLine) EOFReceived() bool {
	l.rest = string(l.ClearLineBuffer())
	return false
}

// The classic mistake of STARTTLS: commands in clear behind it. All of them are
// counted and none is seen, those that the handler holds included.
func TestDropInput(t *testing.T) {
	for _, in := range []string{"hold\r\ndrop\r\none\r\ntw", "hold\r\ndrop\r\n"} {
		h := &holder{}
		h.drop = func() int { // as a layer below does it
			p, _ := protocol.As[protocol.InputHolder](h.protocol)
			return p.DropInput()
		}
		h.protocol = line.New(h)
		tr := protocoltest.Connect(h.protocol)
		tr.Receive(in)
		assert.Equal(t, 100+len(in)-len("hold\r\ndrop\r\n"), h.dropped)
		tr.Receive("o\r\n")
		assert.Equal(t, []string{"hold", "drop", "o"}, h.lines)
		assert.Zero(t, h.resumed)
		tr.Do(func() { tr.PauseReading(); tr.ResumeReading() })
		assert.Equal(t, 1, h.resumed, "the handler's own ReadResumed")
	}
}

// A holder is an InputHolder and a ReadResumer itself.
type holder struct {
	line.Base
	protocol protocol.Protocol
	drop     func() int
	lines    []string
	dropped  int
	resumed  int
}

func (h *holder) LineReceived(l []byte) {
	h.lines = append(h.lines, string(l))
	if string(l) == "drop" {
		h.dropped = h.drop()
	}
}

func (h *holder) DropInput() int { return 100 }

func (h *holder) ReadResumed() { h.resumed++ }

// SendLine and SendBytes end lines with the delimiter that holds.
func TestSend(t *testing.T) {
	a := &actor{}
	tr := protocoltest.Connect(line.New(a))
	tr.Do(func() {
		a.SendLine("one")
		a.SendLine("")
		a.SendBytes([]byte("t"), nil, []byte("wo"))
		a.SendBytes()
		a.SetDelimiter("\x00")
		a.SendLine("three")
	})
	assert.Equal(t, "one\r\n\r\ntwo\r\n\r\nthree\x00", tr.Take())
}

// Raw mode without somebody to hear it is a mistake that is told at once.
func TestRawModeNeedsHandler(t *testing.T) {
	e := &echo{}
	tr := protocoltest.Connect(line.New(e))
	tr.Do(func() { assert.Panics(t, e.SetRawMode) })
}

// A Handler may append to the line it is lent: the next one is unharmed.
func TestAppendingToALineHarmsNoOther(t *testing.T) {
	var s line.Splitter
	s.Feed([]byte("one\r\ntwo\r\n"))
	require.True(t, s.Next())
	_ = append(s.Line(), "12345"...)
	require.True(t, s.Next())
	assert.Equal(t, "two", string(s.Line()))
}
