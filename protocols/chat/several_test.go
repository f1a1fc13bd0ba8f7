package chat_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/chat"
	"github.com/torsion-go/torsion/reactortest"
)

// A house is a loop with a door to a room.
type house struct {
	*reactortest.Memory
	addr string
}

// houses returns loops that share a room.
func houses(t *testing.T, room *chat.Room, n int) (all []house) {
	t.Helper()
	for range n {
		m := reactortest.NewMemory(reactortest.Config{})
		port, err := m.Listen("tcp", "127.0.0.1:0", room.On(m))
		require.NoError(t, err)
		all = append(all, house{m, port.Addr().String()})
	}
	return all
}

// comes connects somebody, who is greeted when the loop comes to it.
func (h house) comes() *screen {
	s := &screen{}
	h.Connect("tcp", h.addr, factory.Each(func() protocol.Protocol { return s }))
	h.Settle()
	return s
}

// says has somebody on this loop send a line.
func (h house) says(t *testing.T, s *screen, line string) {
	t.Helper()
	require.NoError(t, h.Call(func() { s.Write([]byte(line + "\n")) }))
	h.Settle()
}

// reads returns what came to be seen since the last call.
func (h house) reads(s *screen) string {
	h.Settle()
	defer s.seen.Reset()
	return s.seen.String()
}

// People on two loops are in one room, as if it were one.
func TestOneRoomOnSeveralLoops(t *testing.T) {
	var room chat.Room
	h := houses(t, &room, 2)
	a := h[0].comes()
	assert.Equal(t, greeting, h[0].reads(a))
	b := h[1].comes()
	assert.Equal(t, greeting, h[1].reads(b), "nobody is told of himself")
	for _, step := range []struct {
		loop            int
		said, by, other string
	}{
		{0, "", "", ""},
		{1, "hello", "127.0.0.1#2 says hello\r\n", ""},
		{1, "/NAME bob", "127.0.0.1#2 changed name to bob\r\n", ""},
		{0, "/NAME BOB", "That name is taken.\r\n", "-"},
		{0, "/NAME alice", "127.0.0.1 changed name to alice\r\n", ""},
		{0, "/WHO", "In the room: 2\r\n  alice, bob\r\n", "-"},
		{0, "/MSG Bob psst", "You told bob: psst\r\n", "alice tells you: psst\r\n"},
		{0, "/MSG 127.0.0.1#2 psst", "Nobody here has that name.\r\n", "-"},
		{0, "/ME waves", "* alice waves\r\n", ""},
		{1, "/NAME Bob", "bob changed name to Bob\r\n", ""},
		{1, "/MSG bob me", "Bob tells you: me\r\nYou told Bob: me\r\n", "-"},
	} {
		who, other := a, b
		if step.loop == 1 {
			who, other = b, a
		}
		if step.said == "" {
			assert.Equal(t, "127.0.0.1#2 has joined the party.\r\n", h[0].reads(a))
			continue
		}
		h[step.loop].says(t, who, step.said)
		want := step.other
		switch want {
		case "":
			want = step.by
		case "-":
			want = ""
		}
		assert.Equal(t, step.by, h[step.loop].reads(who), step.said)
		assert.Equal(t, want, h[1-step.loop].reads(other), step.said)
	}
	room.Announce("tea is ready")
	assert.Equal(t, "tea is ready\r\n", h[0].reads(a))
	assert.Equal(t, "tea is ready\r\n", h[1].reads(b))
	h[1].says(t, b, "/EXIT")
	assert.True(t, b.gone)
	assert.Equal(t, "Bob has disconnected.\r\n", h[0].reads(a))
	assert.Equal(t, 1, room.Len())
}

// What somebody is told alone comes where it was said, though his loop has come to
// none of it, and so does the answer to what he asks.
func TestMessagesAloneKeepTheOrder(t *testing.T) {
	var room chat.Room
	h := houses(t, &room, 2)
	a, b := h[0].comes(), h[1].comes()
	h[0].says(t, a, "/NAME alice")
	h[0].reads(a)
	h[1].says(t, b, "/NAME bob")
	for _, line := range []string{"1", "/MSG alice 2", "3", "/MSG alice 4"} {
		h[1].says(t, b, line)
	}
	require.NoError(t, h[0].Call(func() { a.Write([]byte("/NAME\nbye\n")) }))
	assert.Equal(t, "127.0.0.1#2 changed name to bob\r\nbob says 1\r\nbob tells you: 2\r\nbob says 3\r\nbob tells you: 4\r\n"+
		"Your name is alice. Send '/NAME [new name]' to change it.\r\nalice says bye\r\n", h[0].reads(a))
}

// Who comes while messages wait for his loop does not read that he has come, nor
// what was said before.
func TestNewcomerOnALoopThatIsBehind(t *testing.T) {
	room := chat.Room{History: 1}
	h := houses(t, &room, 2)
	a, b := h[0].comes(), h[1].comes()
	h[0].says(t, a, "1")
	h[0].says(t, a, "2")
	require.NoError(t, h[1].Call(func() { b.Write([]byte("3\n")) }))
	c := &screen{}
	h[1].Connect("tcp", h[1].addr, factory.Each(func() protocol.Protocol { return c }))
	seen := h[1].reads(c)
	assert.Contains(t, seen, greeting)
	assert.NotContains(t, seen, "#3")
	assert.NotContains(t, seen, "says 1")
	assert.Contains(t, h[1].reads(b), "says 1\r\n127.0.0.1 says 2\r\n")
}

// Places and guests' numbers are given once, whichever the loop.
func TestLimitsHoldOverAllLoops(t *testing.T) {
	room := chat.Room{MaxMembers: 3}
	h := houses(t, &room, 3)
	var in []*screen
	for i := range 3 {
		in = append(in, h[i].comes())
	}
	assert.Equal(t, []string{"127.0.0.1", "127.0.0.1#2", "127.0.0.1#3"}, room.Names())
	out := h[0].comes()
	assert.Equal(t, "The room is full. Come back later.\r\n", h[0].reads(out))
	assert.True(t, out.gone)
	h[2].says(t, in[2], "/QUIT")
	assert.Equal(t, greeting, h[1].reads(h[1].comes()))
	assert.Equal(t, []string{"127.0.0.1", "127.0.0.1#2", "127.0.0.1#4"}, room.Names())
}

// A loop that stops takes those away who are on it. The others stay, and their
// room works.
func TestOneOfSeveralLoopsStops(t *testing.T) {
	var room chat.Room
	h := houses(t, &room, 2)
	a := h[0].comes()
	h[1].comes()
	h[0].reads(a)
	h[1].Stop()
	require.NoError(t, h[1].Run(t.Context()))
	assert.Equal(t, 1, room.Len())
	h[0].says(t, a, "hello?")
	assert.Equal(t, "127.0.0.1 says hello?\r\n", h[0].reads(a))
	h[0].says(t, h[0].comes(), "/NAME bob")
	assert.Equal(t, []string{"127.0.0.1", "bob"}, room.Names())
}

// A room is on one loop or on several, and says so to who thinks otherwise.
func TestRoomIsOnOneLoopOrSeveral(t *testing.T) {
	var several chat.Room
	several.On(reactortest.NewMemory(reactortest.Config{}))
	assert.PanicsWithValue(t, "group: on several loops; join what On(loop) has returned", func() { several.BuildProtocol(nil) })
	assert.Panics(t, func() { several.Enter(new(bytes.Buffer), "") })
	var one chat.Room
	one.BuildProtocol(nil)
	assert.PanicsWithValue(t, "group: used without On already; call On for each loop, before anybody joins or sends",
		func() { one.On(reactortest.NewMemory(reactortest.Config{})) })
}

// A listeningScreen has something done when it shows a line.
type listeningScreen struct {
	bytes.Buffer
	line string
	then func()
}

func (l *listeningScreen) Write(p []byte) (int, error) {
	if string(p) == l.line {
		l.then()
	}
	return l.Buffer.Write(p)
}

// A name is another's once everyone has been told that it is used no more, and not
// before: two loops could tell of it in the wrong order.
func TestNameIsHeldUntilAllAreTold(t *testing.T) {
	for line, told := range map[string]string{
		"/EXIT":       "bob has disconnected.\r\n",
		"/NAME carol": "bob changed name to carol\r\n",
	} {
		var r chat.Room
		bob := enter(t, &r, "10.0.0.1", "bob")
		var screen listeningScreen
		alice, err := r.Enter(&screen, "10.0.0.2")
		require.NoError(t, err)
		names := 0
		screen.line, screen.then = told, func() {
			alice.Hear([]byte("/NAME bob"))
			names = len(r.Names())
			assert.Equal(t, "10.0.0.2", alice.Name(), line)
		}
		bob.say(line)
		assert.Equal(t, r.Len(), names, line)
		alice.Hear([]byte("/NAME bob"))
		assert.Equal(t, "bob", alice.Name(), line)
	}
}
