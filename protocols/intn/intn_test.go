package intn_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/intn"
	"github.com/torsion-go/torsion/protocoltest"
)

// An actor does what the strings tell it, and remembers all that happens.
type actor struct {
	intn.Base
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

// A keeper is an actor that hears of strings that are too long.
type keeper struct {
	actor
	keep bool
}

func (k *keeper) StringTooLong(length uint64) bool {
	k.note("%d is too long", length)
	return k.keep
}

// An echo answers each string, with more than it was told.
type echo struct {
	intn.Base
	big   string
	heard int
}

func (e *echo) StringReceived(s []byte) {
	e.heard++
	_ = e.SendBytes(s, []byte(e.big))
}

// receive has the peer send the pieces.
func receive(tr *protocoltest.Transport, pieces ...string) {
	for _, p := range pieces {
		tr.Receive(p)
	}
}

// forms are all that a Config can choose.
var forms = []struct {
	name   string
	config intn.Config
	prefix func(n uint64) string
}{
	{"int8", intn.Config{Prefix: intn.Int8}, func(n uint64) string { return string([]byte{byte(n)}) }},
	{"int16", intn.Config{Prefix: intn.Int16}, func(n uint64) string {
		return string(binary.BigEndian.AppendUint16(nil, uint16(n)))
	}},
	{"int16 little", intn.Config{Prefix: intn.Int16, LittleEndian: true}, func(n uint64) string {
		return string(binary.LittleEndian.AppendUint16(nil, uint16(n)))
	}},
	{"int32", intn.Config{}, func(n uint64) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }},
	{"int32 little", intn.Config{LittleEndian: true}, func(n uint64) string {
		return string(binary.LittleEndian.AppendUint32(nil, uint32(n)))
	}},
	{"varint", intn.Config{Prefix: intn.Varint}, func(n uint64) string { return string(binary.AppendUvarint(nil, n)) }},
}

// frame is what a peer sends who says all of strs.
func frame(prefix func(uint64) string, strs ...string) (in string) {
	for _, s := range strs {
		in += prefix(uint64(len(s))) + s
	}
	return in
}

func int32s(strs ...string) string { return frame(forms[3].prefix, strs...) }

// A prefix is written as the package's documentation says.
func TestPrefixes(t *testing.T) {
	for i, want := range []string{"\x05", "\x00\x05", "\x05\x00", "\x00\x00\x00\x05", "\x05\x00\x00\x00", "\x05"} {
		a := &actor{}
		tr := protocoltest.Connect(forms[i].config.New(a))
		tr.Do(func() {
			assert.NoError(t, a.SendString("hello"))
			assert.NoError(t, a.SendString(""))
			assert.NoError(t, a.SendBytes([]byte("he"), nil, []byte("llo")))
			assert.NoError(t, a.SendBytes())
		})
		none := strings.Repeat("\x00", len(want))
		assert.Equal(t, want+"hello"+none+want+"hello"+none, tr.Take(), forms[i].name)
	}
	assert.Panics(t, func() { intn.Config{Prefix: 4}.New(&actor{}) })
	assert.Panics(t, func() { intn.Config{Prefix: -1}.New(&actor{}) })
}

const (
	done      = "lost: connection done"
	malformed = "lost: intn: malformed"
	tooLong   = "lost: intn: too long"
	truncated = "lost: intn: unexpected EOF"
)

var cases = []struct {
	name string
	strs []string
	tail string
	log  []string
}{
	{"nothing", nil, "", []string{done}},
	{"one", []string{"hello"}, "", []string{`"hello"`, done}},
	{"three", []string{"one", "", "two"}, "", []string{`"one"`, `""`, `"two"`, done}},
	{"any bytes", []string{"\x00\x01\xff\n"}, "", []string{`"\x00\x01\xff\n"`, done}},
	{"more than seven bits", []string{strings.Repeat("x", 200), "y"}, "", []string{`"` + strings.Repeat("x", 200) + `"`, `"y"`, done}},
	{"truncated", []string{"one", "two"}, "\x01", []string{`"one"`, `"two"`, truncated}},
	{"too long", []string{"limit 8", "12345678", "123456789", "a"}, "", []string{`"limit 8"`, `"12345678"`, tooLong}},
	{"pause and resume at once", []string{"flicker", "one", "flicker", "two"}, "", []string{`"flicker"`, `"one"`, `"flicker"`, `"two"`, done}},
	{"lose", []string{"one", "lose", "two"}, "x", []string{`"one"`, `"lose"`, done}},
	{"abort", []string{"one", "abort", "two"}, "", []string{`"one"`, `"abort"`, "lost: connection aborted"}},
	{"panic", []string{"one", "panic", "two"}, "", []string{`"one"`, `"panic"`, "lost: panic in a protocol: asked for"}},
}

// What is received is the same wherever the input is cut, whatever the prefix,
// and what the handler does on one string holds for the next.
func TestStringsIgnoreCuts(t *testing.T) {
	for _, form := range forms {
		for _, test := range cases {
			t.Run(form.name+", "+test.name, func(t *testing.T) {
				for cut, pieces := range protocoltest.Cuts(frame(form.prefix, test.strs...) + test.tail) {
					a := &actor{}
					tr := protocoltest.Connect(form.config.New(a))
					receive(tr, pieces...)
					tr.EOF()
					assert.Equal(t, test.log, a.log, cut)
					assert.True(t, tr.Closed(), cut)
					assert.Zero(t, tr.Timers(), cut)
				}
			})
		}
	}
}

// Prefixes at the ends of what they can say, and varints that say it wrong.
func TestEdges(t *testing.T) {
	for _, test := range []struct {
		name   string
		config intn.Config
		in     string
		log    []string
	}{
		{"int8, most", intn.Config{Prefix: intn.Int8}, "\xff" + strings.Repeat("x", 255), []string{`"` + strings.Repeat("x", 255) + `"`, done}},
		{"int16, most", intn.Config{Prefix: intn.Int16}, "\xff\xff" + strings.Repeat("x", 65535), []string{`"` + strings.Repeat("x", 65535) + `"`, done}},
		{"int32, most", intn.Config{}, "\xff\xff\xff\xff", []string{"4294967295 is too long", tooLong}},
		{"int32, with a sign it would be negative", intn.Config{}, "\x80\x00\x00\x00", []string{"2147483648 is too long", tooLong}},
		{"int32, longest", intn.Config{}, "\x00\x01\x86\x9f" + strings.Repeat("x", 99999), []string{`"` + strings.Repeat("x", 99999) + `"`, done}},
		{"int32, longest and one", intn.Config{}, "\x00\x01\x86\xa0", []string{"100000 is too long", tooLong}},
		{"int32 little, longest and one", intn.Config{LittleEndian: true}, "\xa0\x86\x01\x00", []string{"100000 is too long", tooLong}},
		{"int32, no limit", intn.Config{MaxLength: -1}, "\xff\xff\xff\xffx", []string{truncated}},
		{"truncated prefix", intn.Config{}, "\x00\x00\x00", []string{truncated}},
		{"truncated before the bytes", intn.Config{}, "\x00\x00\x00\x01", []string{truncated}},
		{"truncated bytes", intn.Config{}, "\x00\x00\x00\x02a", []string{truncated}},
		{"text", intn.Config{}, "GET / HTTP/1.1\r\n", []string{"1195725856 is too long", tooLong}},

		{"varint, most", intn.Config{Prefix: intn.Varint}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", []string{"18446744073709551615 is too long", tooLong}},
		{"varint, most, no limit", intn.Config{Prefix: intn.Varint, MaxLength: -1}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", []string{"18446744073709551615 is too long", tooLong}},
		{"varint, 65 bits", intn.Config{Prefix: intn.Varint}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", []string{malformed}},
		{"varint, 11 bytes", intn.Config{Prefix: intn.Varint}, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x81\x01", []string{malformed}},
		{"varint, without end", intn.Config{Prefix: intn.Varint}, strings.Repeat("\xff", 99), []string{malformed}},
		{"varint, not minimal", intn.Config{Prefix: intn.Varint}, "\x01a\x81\x00b", []string{`"a"`, malformed}},
		{"varint, zero not minimal", intn.Config{Prefix: intn.Varint}, "\x80\x00", []string{malformed}},
		{"varint, truncated", intn.Config{Prefix: intn.Varint}, "\x01a\x80", []string{`"a"`, truncated}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for cut, pieces := range protocoltest.Cuts(test.in) {
				if len(test.in) > 1000 && cut != "whole" {
					pieces = []string{test.in[:1], test.in[1:99], test.in[99:]}
				}
				k := &keeper{}
				tr := protocoltest.Connect(test.config.New(k))
				receive(tr, pieces...)
				tr.EOF()
				assert.Equal(t, test.log, k.log, cut)
			}
		})
	}
}

// The reasons can be told apart.
func TestReasons(t *testing.T) {
	lost := func(in string) error {
		tr := protocoltest.Connect(intn.Config{Prefix: intn.Varint, MaxLength: 3}.New(&actor{}))
		tr.Receive(in)
		tr.EOF()
		return tr.Lost()
	}
	assert.ErrorIs(t, lost("\x80\x00"), intn.ErrMalformed)
	assert.ErrorIs(t, lost("\x04"), intn.ErrTooLong)
	assert.ErrorIs(t, lost("\x03ab"), intn.ErrTruncated)
	assert.ErrorIs(t, lost("\x03ab"), io.ErrUnexpectedEOF)
	assert.ErrorIs(t, lost("\x03abc"), protocol.ErrConnectionDone)
}

// What was answered before a mistake is delivered, and nothing is heard after it.
func TestMistakeEndsConnection(t *testing.T) {
	e := &echo{}
	tr := protocoltest.Connect(intn.Config{MaxLength: 5}.New(e))
	tr.Receive(int32s("hello", "too long", "hello"))
	tr.Receive(int32s("hello"))
	assert.Equal(t, int32s("hello"), tr.Take())
	assert.True(t, tr.Closed())
	assert.ErrorIs(t, tr.Lost(), intn.ErrTooLong)
}

// A handler that pauses gets the next string when it resumes, and not before.
func TestStringsWaitForResume(t *testing.T) {
	in := int32s("one", "pause", "pause", "two", "three")
	for cut, pieces := range protocoltest.Cuts(in[:len(in)-2]) {
		t.Run(cut, func(t *testing.T) {
			a := &actor{}
			tr := protocoltest.Connect(intn.New(a))
			receive(tr, pieces...)
			assert.Equal(t, []string{`"one"`, `"pause"`}, a.log)
			tr.Advance(time.Hour)
			tr.Do(a.ResumeReading)
			assert.Equal(t, []string{`"one"`, `"pause"`, `"pause"`}, a.log)
			tr.Do(a.ResumeReading)
			tr.Receive("ee")
			assert.Equal(t, []string{`"two"`, `"three"`}, a.log[3:])
		})
	}
}

// What is held waits for a slow peer too: the automatic pause holds between two
// strings of one read.
func TestStringsWaitForSlowPeer(t *testing.T) {
	const strs = 200
	e := &echo{big: strings.Repeat("x", 16<<10)}
	tr := protocoltest.Connect(intn.New(e))
	tr.Stall(true)
	tr.Receive(strings.Repeat(int32s("?"), strs))
	assert.Less(t, e.heard, 100)
	tr.Stall(false)
	for tr.Take() != "" {
	}
	assert.Equal(t, strs, e.heard)
}

// A handler that hears of what is too long hears once of each, and goes on
// behind it or ends.
func TestTooLong(t *testing.T) {
	in := int32s("abc", "abcdefghi", "ok", strings.Repeat("x", 1000), "", "ok")
	for cut, pieces := range protocoltest.Cuts(in) {
		t.Run(cut, func(t *testing.T) {
			k := &keeper{keep: true}
			tr := protocoltest.Connect(intn.Config{MaxLength: 3}.New(k))
			receive(tr, pieces...)
			assert.Equal(t, []string{`"abc"`, "9 is too long", `"ok"`, "1000 is too long", `""`, `"ok"`}, k.log)
			tr.Receive(int32s("abcd")[:7])
			tr.EOF()
			assert.ErrorIs(t, tr.Lost(), intn.ErrTruncated)

			k = &keeper{}
			tr = protocoltest.Connect(intn.Config{MaxLength: 3}.New(k))
			receive(tr, pieces...)
			assert.Equal(t, []string{`"abc"`, "9 is too long", tooLong}, k.log)
		})
	}
}

// What the prefix cannot count is not sent, not even in part.
func TestSendTooLong(t *testing.T) {
	for i, most := range []int{math.MaxUint8, math.MaxUint16} {
		a := &actor{}
		tr := protocoltest.Connect(forms[i].config.New(a))
		long := strings.Repeat("x", most)
		tr.Do(func() {
			assert.ErrorIs(t, a.SendString(long+"x"), intn.ErrTooLong)
			assert.ErrorIs(t, a.SendBytes([]byte(long), []byte("x")), intn.ErrTooLong)
			assert.NoError(t, a.SendString(long))
		})
		assert.Equal(t, frame(forms[i].prefix, long), tr.Take())
		tr.Reset()
		tr.Do(func() { assert.NoError(t, a.SendString("nobody hears this")) })
	}
}

// Input in clear that came before TLS is counted, and none is seen.
func TestDropInput(t *testing.T) {
	for _, rest := range []string{"", "\x00", int32s("a"), int32s("a", "bc")[:10]} {
		h := &holder{}
		p := intn.New(h)
		h.drop = func() int { // as a layer below does it
			i, _ := protocol.As[protocol.InputHolder](p)
			return i.DropInput()
		}
		tr := protocoltest.Connect(p)
		tr.Receive(int32s("hold", "drop") + rest)
		assert.Equal(t, len(rest), h.dropped)
		tr.Receive(int32s("two"))
		assert.Equal(t, []string{"hold", "drop", "two"}, h.heard)
	}
}

type holder struct {
	intn.Base
	drop    func() int
	heard   []string
	dropped int
}

func (h *holder) StringReceived(s []byte) {
	h.heard = append(h.heard, string(s))
	if string(s) == "drop" {
		h.dropped = h.drop()
	}
}
