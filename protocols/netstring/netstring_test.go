package netstring_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/netstring"
	"github.com/torsion-go/torsion/protocoltest"
)

// An actor does what the netstrings tell it, and remembers all that happens.
type actor struct {
	netstring.Base
	log []string
}

func (a *actor) note(format string, args ...any) { a.log = append(a.log, fmt.Sprintf(format, args...)) }

func (a *actor) StringReceived(b []byte) {
	s := string(b)
	a.note("%q", s)
	switch verb, arg, _ := strings.Cut(s, " "); verb {
	case "pause":
		a.PauseReading()
	case "flicker":
		a.PauseReading()
		a.ResumeReading()
	case "limit":
		var n int
		fmt.Sscan(arg, &n)
		a.SetMaxLength(n)
	case "lose":
		a.LoseConnection()
	case "abort":
		a.Abort()
	case "panic":
		panic("asked for")
	}
	_ = append(b, "spoiled"...)
	if string(b) != s {
		a.note("changed under the handler: %q", b)
	}
}

func (a *actor) ConnectionLost(reason error) { a.note("lost: %v", reason) }

// A keeper is an actor that hears of netstrings that are too long.
type keeper struct {
	actor
	keep bool
}

func (k *keeper) StringTooLong(length uint64) bool {
	k.note("%d is too long", length)
	return k.keep
}

// receive has the peer send the pieces.
func receive(tr *protocoltest.Transport, pieces ...string) {
	for _, p := range pieces {
		tr.Receive(p)
	}
}

const (
	done      = "lost: connection done"
	malformed = "lost: netstring: malformed"
	tooLong   = "lost: netstring: too long"
	truncated = "lost: netstring: unexpected EOF"
)

var longest = strings.Repeat("x", 99999)

var cases = []struct {
	name, in string
	log      []string
}{
	{"nothing", "", []string{done}},
	{"one", "5:hello,", []string{`"hello"`, done}},
	{"three", "3:one,0:,3:two,", []string{`"one"`, `""`, `"two"`, done}},
	{"any bytes", "7:3:a,\x00\xff,,", []string{`"3:a,\x00\xff,"`, done}},
	{"two digits", "12:hello, world,10:0123456789,", []string{`"hello, world"`, `"0123456789"`, done}},
	{"longest", "99999:" + longest + ",1:y,", []string{`"` + longest + `"`, `"y"`, done}},

	{"truncated length", "1:a,12", []string{`"a"`, truncated}},
	{"truncated before the bytes", "1:a,3:", []string{`"a"`, truncated}},
	{"truncated bytes", "1:a,3:ab", []string{`"a"`, truncated}},
	{"truncated before the comma", "1:a,3:abc", []string{`"a"`, truncated}},

	{"no length", ":a,", []string{malformed}},
	{"no colon", "1:a,1a,", []string{`"a"`, malformed}},
	{"letter", "1:a,x", []string{`"a"`, malformed}},
	{"sign", "+1:a,", []string{malformed}},
	{"negative", "-1:a,", []string{malformed}},
	{"space", " 1:a,", []string{malformed}},
	{"space before the colon", "1 :a,", []string{malformed}},
	{"leading zero", "01:a,", []string{malformed}},
	{"two zeros", "00:,", []string{malformed}},
	{"hexadecimal", "0x1:a,", []string{malformed}},
	{"no comma", "1:a,3:abc;1:b,", []string{`"a"`, malformed}},
	{"too short", "1:a,2:abc,1:b,", []string{`"a"`, malformed}},
	{"no comma after nothing", "0:x", []string{malformed}},
	{"line ends", "1:a,\r\n1:b,", []string{`"a"`, malformed}},
	{"too many digits", "1:a," + strings.Repeat("9", 20), []string{`"a"`, malformed}},
	{"as many digits as there may be", "1:a," + strings.Repeat("9", 19) + ":", []string{`"a"`, tooLong}},

	{"too long", "7:limit 8,8:12345678,9:123456789,1:a,", []string{`"limit 8"`, `"12345678"`, tooLong}},
	{"too long by default", "6:100000,100000:", []string{`"100000"`, tooLong}},
	{"pause and resume at once", "7:flicker,3:one,7:flicker,3:two,", []string{`"flicker"`, `"one"`, `"flicker"`, `"two"`, done}},
	{"lose", "3:one,4:lose,3:two,x", []string{`"one"`, `"lose"`, done}},
	{"abort", "3:one,5:abort,3:two,", []string{`"one"`, `"abort"`, "lost: connection aborted"}},
	{"panic", "3:one,5:panic,3:two,", []string{`"one"`, `"panic"`, "lost: panic in a protocol: asked for"}},
}

// What is received is the same wherever the input is cut, and what the handler
// does on one netstring holds for the next.
func TestNetstringsIgnoreCuts(t *testing.T) {
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			for cut, pieces := range protocoltest.Cuts(test.in) {
				if cut != "whole" && len(test.in) > 1000 {
					pieces = chunks(test.in, 999)
				}
				a := &actor{}
				tr := protocoltest.Connect(netstring.New(a))
				receive(tr, pieces...)
				tr.EOF()
				assert.Equal(t, test.log, a.log, cut)
				assert.True(t, tr.Closed(), cut)
				assert.Zero(t, tr.Timers(), cut)
			}
		})
	}
}

func chunks(s string, n int) (pieces []string) {
	for p := range slices.Chunk([]byte(s), n) {
		pieces = append(pieces, string(p))
	}
	return pieces
}

// The reasons can be told apart.
func TestReasons(t *testing.T) {
	lost := func(in string) error {
		tr := protocoltest.Connect(netstring.New(&actor{}))
		tr.Receive(in)
		tr.EOF()
		return tr.Lost()
	}
	assert.ErrorIs(t, lost("x"), netstring.ErrMalformed)
	assert.ErrorIs(t, lost("100000:"), netstring.ErrTooLong)
	assert.ErrorIs(t, lost("3:ab"), netstring.ErrTruncated)
	assert.ErrorIs(t, lost("3:ab"), io.ErrUnexpectedEOF)
	assert.ErrorIs(t, lost("3:abc,"), protocol.ErrConnectionDone)
}

// What was answered before a mistake is delivered, and nothing is heard after it.
func TestMistakeEndsConnection(t *testing.T) {
	for _, in := range []string{"5:hello,x", "5:hello,100000:", "5:hello,1:ab"} {
		e := &echo{}
		tr := protocoltest.Connect(netstring.New(e))
		tr.Receive(in + "5:hello,")
		tr.Receive("5:hello,")
		assert.Equal(t, "5:hello,", tr.Take(), in)
		assert.True(t, tr.Closed(), in)
	}
}

// An echo answers each netstring, with more than it was told.
type echo struct {
	netstring.Base
	big   string
	heard int
}

func (e *echo) StringReceived(s []byte) {
	e.heard++
	e.SendBytes(s, []byte(e.big))
}

// A handler that pauses gets the next netstring when it resumes, and not before.
func TestNetstringsWaitForResume(t *testing.T) {
	for cut, pieces := range protocoltest.Cuts("3:one,5:pause,5:pause,3:two,5:thr") {
		t.Run(cut, func(t *testing.T) {
			a := &actor{}
			tr := protocoltest.Connect(netstring.New(a))
			receive(tr, pieces...)
			assert.Equal(t, []string{`"one"`, `"pause"`}, a.log)
			tr.Advance(time.Hour)
			tr.Do(a.ResumeReading)
			assert.Equal(t, []string{`"one"`, `"pause"`, `"pause"`}, a.log)
			tr.Do(a.ResumeReading)
			tr.Receive("ee,")
			assert.Equal(t, []string{`"two"`, `"three"`}, a.log[3:])
		})
	}
}

// What is held waits for a slow peer too: the automatic pause holds between two
// netstrings of one read.
func TestNetstringsWaitForSlowPeer(t *testing.T) {
	const strs = 200
	e := &echo{big: strings.Repeat("x", 16<<10)}
	tr := protocoltest.Connect(netstring.New(e))
	tr.Stall(true)
	tr.Receive(strings.Repeat("1:?,", strs))
	assert.Less(t, e.heard, 100)
	tr.Stall(false)
	for tr.Take() != "" {
	}
	assert.Equal(t, strs, e.heard)
}

// A handler that hears of what is too long hears once of each, and goes on
// behind it or ends.
func TestTooLong(t *testing.T) {
	in := "3:abc,9:abcdefghi,2:ok,1000:" + strings.Repeat("x", 1000) + ",2:ok,"
	for cut, pieces := range protocoltest.Cuts(in) {
		t.Run(cut, func(t *testing.T) {
			k := &keeper{keep: true}
			tr := protocoltest.Connect(netstring.Config{MaxLength: 3}.New(k))
			receive(tr, pieces...)
			assert.Equal(t, []string{`"abc"`, "9 is too long", `"ok"`, "1000 is too long", `"ok"`}, k.log)
			tr.EOF()
			assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)

			k = &keeper{}
			tr = protocoltest.Connect(netstring.Config{MaxLength: 3}.New(k))
			receive(tr, pieces...)
			assert.Equal(t, []string{`"abc"`, "9 is too long", tooLong}, k.log)
		})
	}
}

// A netstring that is thrown away ends as every other, and its end is waited for.
func TestTooLongStillNeedsComma(t *testing.T) {
	for in, last := range map[string]string{"5:hello;1:a,": malformed, "5:hell": truncated, "5:hello": truncated} {
		for cut, pieces := range protocoltest.Cuts(in) {
			k := &keeper{keep: true}
			tr := protocoltest.Connect(netstring.Config{MaxLength: 3}.New(k))
			receive(tr, pieces...)
			tr.EOF()
			assert.Equal(t, []string{"5 is too long", last}, k.log, cut)
		}
	}
}

// A negative limit is none.
func TestNoLimit(t *testing.T) {
	k := &keeper{}
	tr := protocoltest.Connect(netstring.Config{MaxLength: -1}.New(k))
	tr.Receive("200000:" + strings.Repeat("x", 200000) + ",")
	assert.Len(t, k.log[0], 200002)
	tr.Receive(strings.Repeat("9", 19) + ":")
	assert.Equal(t, []string{strings.Repeat("9", 19) + " is too long", tooLong}, k.log[1:], "no memory has so many bytes")
}

// A limit that is changed from outside is for netstrings to come.
func TestLimitFromOutside(t *testing.T) {
	a := &actor{}
	tr := protocoltest.Connect(netstring.New(a))
	tr.Receive("5:hel")
	tr.Do(func() { a.SetMaxLength(4) })
	tr.Receive("lo,5:hello,")
	assert.Equal(t, []string{`"hello"`, tooLong}, a.log)
}

// A handler that is an EOFReceiver decides what becomes of the connection; the
// reason is the truncation still, if there is one.
func TestEOFReceiver(t *testing.T) {
	for in, reason := range map[string]error{"3:ab": netstring.ErrTruncated, "3:abc,": protocol.ErrConnectionDone} {
		h := &stayer{}
		tr := protocoltest.Connect(netstring.New(h))
		tr.Receive(in)
		tr.EOF()
		assert.NoError(t, tr.Lost())
		tr.Do(func() {
			h.SendString("bye")
			h.LoseConnection()
		})
		assert.Equal(t, "3:bye,", tr.Take())
		assert.ErrorIs(t, tr.Lost(), reason)
	}
}

// A stayer keeps the connection when the peer has ended its side.
type stayer struct{ netstring.Base }

func (s *stayer) StringReceived([]byte) {}
func (s *stayer) EOFReceived() bool     { return true }

// Input in clear that came before TLS is counted, and none is seen; what the
// handler holds is part of it.
func TestDropInput(t *testing.T) {
	for _, rest := range []string{"", "3:one,5:tw", "5", "5:", "100:xx", "5:hello"} {
		h := &holder{}
		p := netstring.New(h)
		h.drop = func() int { // as a layer below does it
			i, _ := protocol.As[protocol.InputHolder](p)
			return i.DropInput()
		}
		tr := protocoltest.Connect(p)
		tr.Receive("4:hold,4:drop," + rest)
		assert.Equal(t, 100+len(rest), h.dropped)
		tr.Receive("3:two,")
		assert.Equal(t, []string{"hold", "drop", "two"}, h.heard)
		tr.Receive(rest)
		n := 0
		tr.Do(func() { n = h.drop() })
		assert.Equal(t, 100+len(strings.TrimPrefix(rest, "3:one,")), n)
		tr.Receive("5:three,")
		assert.Equal(t, "three", h.heard[len(h.heard)-1])
		tr.Do(func() { tr.PauseReading(); tr.ResumeReading() })
		assert.Equal(t, 1, h.resumed, "the handler's own ReadResumed")
	}
}

// A holder is an InputHolder and a ReadResumer itself.
type holder struct {
	netstring.Base
	drop    func() int
	heard   []string
	dropped int
	resumed int
}

func (h *holder) StringReceived(s []byte) {
	h.heard = append(h.heard, string(s))
	if string(s) == "drop" {
		h.dropped = h.drop()
	}
}

func (h *holder) DropInput() int { return 100 }

func (h *holder) ReadResumed() { h.resumed++ }

// What is sent is a netstring, of any length.
func TestSend(t *testing.T) {
	a := &actor{}
	tr := protocoltest.Connect(netstring.Config{MaxLength: 3}.New(a))
	tr.Do(func() {
		a.SendString("one")
		a.SendString("")
		a.SendBytes([]byte("t"), nil, []byte("wo"))
		a.SendBytes()
		a.SendString(strings.Repeat("x", 1234))
	})
	assert.Equal(t, "3:one,0:,3:two,0:,1234:"+strings.Repeat("x", 1234)+",", tr.Take())
	tr.Reset()
	tr.Do(func() { a.SendString("nobody hears this") })
}
