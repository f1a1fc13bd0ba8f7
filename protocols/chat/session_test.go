package chat_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/chat"
	"github.com/torsion-go/torsion/protocoltest"
)

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			alone := factory.Func(func(peer net.Addr) protocol.Protocol { return new(chat.Room).BuildProtocol(peer) })
			protocoltest.Transcript(t, alone, file)
		})
	}
}

// connect connects somebody to the room, and reads what he is greeted with.
func connect(t *testing.T, r *chat.Room) *protocoltest.Transport {
	t.Helper()
	tr := protocoltest.Connect(r.BuildProtocol(nil))
	require.Equal(t, greeting, tr.Take())
	return tr
}

// What a client sends, however it is cut, is said as one line that anybody can
// read. The three ways to end a line are telnet's, in line and character mode,
// and netcat's.
func TestClients(t *testing.T) {
	for in, want := range map[string]string{
		"hello\r\n":               "hello",
		"hello\n":                 "hello",
		"hello\r\x00":             "hello",
		"Gr\u00fc\u00dfe\n":       "Gr\u00fc\u00dfe",
		"a\rbob says b\r\n":       "a bob says b",
		"\x1b[2J\u202ered\xfc\n":  "[2Jred\ufffd",
		"red\xff\n":               "red",
		"\xff\xf4he\xff\xf1llo\n": "hello",
		"\xff\xff\n":              "\ufffd",
	} {
		for cut, pieces := range protocoltest.Cuts(in) {
			var r chat.Room
			tr := connect(t, &r)
			for _, p := range pieces {
				tr.Receive(p)
			}
			assert.Equal(t, "192.0.2.2 says "+want+"\r\n", tr.Take(), "%q, %s", in, cut)
		}
	}
}

// Options that a client offers are refused each time, and seen by nobody.
func TestNegotiationIsAnswered(t *testing.T) {
	for cut, pieces := range protocoltest.Cuts("\xff\xfd\x03\xff\xfb\x18\xff\xfd\x03hi\xff\xfa\x18\x00x\xff\xf0!\r\n") {
		var r chat.Room
		tr := connect(t, &r)
		var seen strings.Builder
		for _, p := range pieces {
			tr.Receive(p)
			seen.WriteString(tr.Take())
		}
		assert.Equal(t, "\xff\xfc\x03\xff\xfe\x18\xff\xfc\x03192.0.2.2 says hi!\r\n", seen.String(), cut)
	}
}

// Whoever goes without a word is missed at once, and once.
func TestEveryLeaveIsTold(t *testing.T) {
	for name, leave := range map[string]func(*protocoltest.Transport){
		"exit":  func(tr *protocoltest.Transport) { tr.Receive("/exit\r\n") },
		"reset": (*protocoltest.Transport).Reset,
		"end":   (*protocoltest.Transport).EOF,
		"abort": func(tr *protocoltest.Transport) { tr.Do(tr.Abort) },
	} {
		t.Run(name, func(t *testing.T) {
			var r chat.Room
			a := enter(t, &r, "10.0.0.1", "alice")
			tr := connect(t, &r)
			assert.Equal(t, "192.0.2.2 has joined the party.\r\n", a.read())
			leave(tr)
			assert.Error(t, tr.Lost())
			assert.Equal(t, "192.0.2.2 has disconnected.\r\n", a.read())
			assert.Equal(t, 1, r.Len())
			assert.Zero(t, tr.Timers())
		})
	}
}

// What a pipe says before it ends is said: printf 'hello\n' | nc -N.
func TestLastWordsAreSaid(t *testing.T) {
	var r chat.Room
	tr := protocoltest.Connect(r.BuildProtocol(nil))
	tr.Receive("hello\n")
	tr.EOF()
	assert.Equal(t, greeting+"192.0.2.2 says hello\r\n", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
}

// A long line is told of once and thrown away; the connection stays.
func TestLongLineIsRefused(t *testing.T) {
	r := chat.Room{MaxLine: 20}
	tr := connect(t, &r)
	tr.Receive(strings.Repeat("x", 20) + "\r\n")
	assert.Equal(t, "192.0.2.2 says "+strings.Repeat("x", 20)+"\r\n", tr.Take())
	for range 100 {
		tr.Receive(strings.Repeat("x", 1<<10))
	}
	assert.Equal(t, "Your line was not said: it is longer than 20 bytes.\r\n", tr.Take())
	tr.Receive("end\r\nshort\r\n")
	assert.Equal(t, "192.0.2.2 says short\r\n", tr.Take())
}

// A burst is free. What follows is throttled, in order and without loss.
func TestFloodIsThrottled(t *testing.T) {
	r := chat.Room{Burst: 3, Interval: time.Second}
	tr := connect(t, &r)
	const held = "You send too fast. Your lines are held up for a while.\r\n"
	says := func(i int) string { return fmt.Sprintf("192.0.2.2 says %d\r\n", i) }
	for i := range 8 {
		tr.Receive(fmt.Sprintln(i))
	}
	assert.Equal(t, says(0)+says(1)+says(2)+says(3)+held, tr.Take())
	for i := 4; i < 8; i++ {
		tr.Advance(time.Second - 1)
		assert.Empty(t, tr.Take())
		tr.Advance(1)
		assert.Equal(t, says(i), tr.Take())
	}
	tr.Advance(time.Second)
	tr.Receive("8\n")
	assert.Equal(t, says(8), tr.Take(), "told once")
	tr.Advance(time.Minute)
	tr.Receive("9\n10\n11\n12\n")
	assert.Equal(t, says(9)+says(10)+says(11)+says(12)+held, tr.Take(), "and again after a rest")
}

// Who does not stop is dropped, and what he sent is not said any more.
func TestFloodIsDropped(t *testing.T) {
	r := chat.Room{Burst: 2, Interval: time.Second, Tolerance: 3}
	a := enter(t, &r, "10.0.0.1", "alice")
	tr := connect(t, &r)
	a.read()
	tr.Receive(strings.Repeat("x\n", 1000))
	for range 10 {
		tr.Advance(time.Second)
	}
	assert.Equal(t, strings.Repeat("192.0.2.2 says x\r\n", 6)+"192.0.2.2 has disconnected.\r\n", a.read())
	assert.True(t, strings.HasSuffix(tr.Take(), "You still send too fast. Goodbye.\r\n"))
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	assert.Zero(t, tr.Timers())
}

// Long lines and commands count as any other.
func TestAllLinesCount(t *testing.T) {
	r := chat.Room{Burst: 2, MaxLine: 10}
	tr := connect(t, &r)
	tr.Receive("/who\n" + strings.Repeat("x", 20) + "\n\n")
	assert.True(t, strings.HasSuffix(tr.Take(), "Your lines are held up for a while.\r\n"))
}

func TestFloodControlCanBeOff(t *testing.T) {
	r := chat.Room{Interval: -1}
	tr := connect(t, &r)
	tr.Receive(strings.Repeat("x\n", 1000))
	assert.Equal(t, strings.Repeat("192.0.2.2 says x\r\n", 1000), tr.Take())
}

func TestIdleMemberIsDropped(t *testing.T) {
	r := chat.Room{IdleTimeout: time.Minute}
	a := enter(t, &r, "10.0.0.1", "alice")
	tr := connect(t, &r)
	tr.Advance(59 * time.Second)
	tr.Receive("\n")
	tr.Do(func() { a.say("are you there?") })
	a.read()
	tr.Advance(59 * time.Second)
	assert.NoError(t, tr.Lost())
	tr.Advance(time.Second)
	assert.Equal(t, "alice says are you there?\r\nYou have been silent for too long.\r\n", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	assert.Equal(t, "192.0.2.2 has disconnected.\r\n", a.read())
}

func TestFullRoomSaysSo(t *testing.T) {
	r := chat.Room{MaxMembers: 1, IdleTimeout: time.Minute}
	a := enter(t, &r, "10.0.0.1", "alice")
	tr := protocoltest.Connect(r.BuildProtocol(nil))
	tr.Receive("hello\r\n")
	assert.Equal(t, "The room is full. Come back later.\r\n", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	assert.Empty(t, a.read(), "who is not let in is not heard of")
}

// Who does not read is dropped when too much waits for him, or for too long. The
// others read that he has gone, and nothing else.
func TestStuckReaderIsDropped(t *testing.T) {
	r := chat.Room{Interval: -1}
	line := strings.Repeat("x", 1000)
	for name, drop := range map[string]func(tr *protocoltest.Transport, a *person) int{
		"bytes": func(tr *protocoltest.Transport, a *person) (said int) {
			tr.Do(func() {
				for ; said < 2000; said++ {
					a.say(line)
				}
			})
			return said
		},
		"time": func(tr *protocoltest.Transport, a *person) int {
			tr.Do(func() { a.say(line) })
			tr.Advance(2*time.Minute - 1)
			assert.NoError(t, tr.Lost())
			tr.Advance(1)
			return 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := enter(t, &r, "10.0.0.1", "alice")
			tr := connect(t, &r)
			a.read()
			tr.Stall(true)
			said := drop(tr, a)
			assert.ErrorIs(t, tr.Lost(), protocol.ErrSlowPeer)
			assert.Equal(t, strings.Repeat("alice says "+line+"\r\n", said)+"192.0.2.2 has disconnected.\r\n", a.read())
			a.Leave()
		})
	}
}

// When all leave nobody is told of each.
func TestShutdown(t *testing.T) {
	var r chat.Room
	a := enter(t, &r, "10.0.0.1", "alice")
	p := r.BuildProtocol(nil)
	tr := protocoltest.Connect(p)
	a.read()
	down, ok := protocol.As[protocol.Shutdowner](p)
	require.True(t, ok)
	tr.Do(down.Shutdown)
	assert.Equal(t, greeting+"Server is going down.\r\n", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	assert.Empty(t, a.read())
	assert.Equal(t, 1, r.Len())
}

// FuzzSession: whatever comes, however it is cut, the same is said, nothing
// panics and nothing is left behind.
func FuzzSession(f *testing.F) {
	f.Add("hello\r\n/NAME bob\n\xff\xfd\x01hi\r\x00/EXIT\nx\n", uint8(2))
	f.Add("/who\n/help\n"+strings.Repeat("x", 2000)+"\n/msg bob x\n", uint8(200))
	f.Fuzz(func(t *testing.T, in string, size uint8) {
		said := func(size int) string {
			r := chat.Room{Interval: -1}
			a := enter(t, &r, "10.0.0.1", "alice")
			tr := protocoltest.Connect(r.BuildProtocol(nil))
			for rest := in; rest != ""; {
				n := min(size, len(rest))
				tr.Receive(rest[:n])
				rest = rest[n:]
			}
			tr.EOF()
			if r.Len() != 1 || tr.Lost() == nil {
				t.Fatalf("%q: %d in the room, %v", in, r.Len(), tr.Lost())
			}
			return a.read()
		}
		if whole, cut := said(1<<20), said(int(size)+1); whole != cut {
			t.Fatalf("%q is %q, cut into %d %q", in, whole, int(size)+1, cut)
		}
	})
}
