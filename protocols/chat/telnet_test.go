package chat_test

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/chat"
	"github.com/torsion-go/torsion/protocoltest"
)

// Telnet's commands are answered as far as they ask for it, and nobody else sees
// them; what is none stays what it is.
func TestTelnetIsTakenOut(t *testing.T) {
	says := func(text string) string { return "192.0.2.2 says " + text + "\r\n" }
	for _, c := range []struct{ in, seen string }{
		{"a\xff\xf1b\xff\xf4c\xff\xf2d\xff\xeee\r\n", says("abcde")},
		{"a\xff\xffb\r\n", says("a\ufffdb")},
		{"a\xff\xf6b\r\n", "[Yes]\r\n" + says("ab")},
		{"a\r\x00b\r\n\x00\r\n", says("a") + says("b")},
		{"a\r\r\x00", says("a ")},
		{"\xff\xfd\x01\xff\xfb\x1fx\n", "\xff\xfc\x01\xff\xfe\x1f" + says("x")},
		{"\xff\xfc\x01\xff\xfe\x1fx\n", says("x")},
		{"\xff\xfd\xff\xff\xfb\xff\n", "\xff\xfc\xff\xff\xfe\xff"},
		{"\xff\xfd\x06\xff\xfd\x06\n", "\xff\xfb\x06\xff\xfb\x06"},
		{"\xff\xfb\x06\xff\xfb\x06\n", ""},
		{"a\xff\xfa\x18\x00xterm\xff\xf0b\n", says("ab")},
		{"a\xff\xfa\x1f\xff\xff\x00P\xff\xf0b\n", says("ab")},
		{"a\xff\xfa\x18no end\xff\xfb\x01b\n", "\xff\xfe\x01" + says("ab")},
		{"a\xff\xfa\x18no end\xff\nb\n", says("a") + says("b")},
		{"a\xff\n\xff\r\x00b\r\n", says("a") + says("b")},
	} {
		for cut, pieces := range protocoltest.Cuts(c.in) {
			var r chat.Room
			tr := connect(t, &r)
			for _, p := range pieces {
				tr.Receive(p)
			}
			assert.Equal(t, c.seen, tr.Take(), "%q, %s", c.in, cut)
		}
	}
}

// Who sends by chance what begins a subnegotiation is heard again in the end.
func TestStraySubnegotiationIsSurvived(t *testing.T) {
	r := chat.Room{Interval: -1}
	tr := connect(t, &r)
	tr.Receive("\xff\xfa" + strings.Repeat("hello\n", 20_000))
	said := tr.Take()
	assert.Less(t, strings.Count(said, " says hello\r\n"), 10_000)
	assert.True(t, strings.HasSuffix(said, "192.0.2.2 says hello\r\n"))
}

// An ear is a transport that takes everything, and notes what it got by reference.
type ear struct {
	protocol.Transport
	shared []byte
}

func (*ear) Write(p []byte) (int, error)         { return len(p), nil }
func (e *ear) WriteShared(p []byte) (int, error) { e.shared = p; return len(p), nil }
func (*ear) Reading() bool                       { return true }
func (*ear) Buffered() int                       { return 0 }
func (*ear) RemoteAddr() net.Addr                { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)} }
func (*ear) Now() time.Time                      { return time.Time{} }

// listening fills the room with n connections; the last one's input is speak's.
func listening(r *chat.Room, n int) (ears []*ear, speak func(line []byte)) {
	for range n {
		e, p := &ear{}, r.BuildProtocol(nil)
		protocol.Connect(p, e)
		ears, speak = append(ears, e), p.DataReceived
	}
	return ears, speak
}

// What is said stands in memory once, however many hear it by telnet, and each
// line directly behind the one before.
func TestOneCopyForAll(t *testing.T) {
	r := chat.Room{Interval: -1}
	ears, speak := listening(&r, 50)
	heard := func(line string) []byte {
		speak([]byte(line + "\r\n"))
		first := ears[0].shared
		require.True(t, bytes.HasSuffix(first, []byte(" says "+line+"\r\n")))
		for _, e := range ears {
			require.Same(t, &first[0], &e.shared[0])
		}
		return first
	}
	one, two := heard("one"), heard("Gr\u00fc\u00dfe")
	assert.Same(t, &one[:len(one)+1][len(one)], &two[0])
}

// Nor does a line that comes by telnet and leaves by it cost an allocation.
func TestHearingAllocatesNothing(t *testing.T) {
	r := chat.Room{Interval: -1}
	_, speak := listening(&r, 50)
	line := []byte("a plain line of text, as most are\r\n")
	assert.Zero(t, testing.AllocsPerRun(2000, func() { speak(line) }))
}

func BenchmarkHear200(b *testing.B) {
	r := chat.Room{Interval: -1}
	ears, speak := listening(&r, 200)
	line := []byte(strings.Repeat("abcdefghij", 5) + "\r\n")
	b.ReportAllocs()
	for b.Loop() {
		speak(line)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ears)), "ns/delivery")
}
