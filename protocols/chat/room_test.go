package chat_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/chat"
)

const greeting = "Welcome to my chat server.\r\n" +
	"Send '/NAME [new name]' to change your name.\r\n" +
	"Send '/EXIT' to quit.\r\n"

// A person is in a room and reads.
type person struct {
	*chat.Member
	screen bytes.Buffer
}

// enter returns a person who has read the greeting and has been given a name,
// unless that is empty.
func enter(t *testing.T, r *chat.Room, host, name string) *person {
	t.Helper()
	p := &person{}
	m, err := r.Enter(&p.screen, host)
	require.NoError(t, err)
	p.Member = m
	if name != "" {
		p.say("/NAME " + name)
		require.Equal(t, name, p.Name())
	}
	p.read()
	return p
}

func (p *person) say(line string) bool { return p.Hear([]byte(line)) }

// read returns what came to be seen since the last call.
func (p *person) read() string {
	defer p.screen.Reset()
	return p.screen.String()
}

// Who is told what, word by word.
func TestClassicRoom(t *testing.T) {
	var r chat.Room
	var a, b person
	a.Member, _ = r.Enter(&a.screen, "10.0.0.1")
	assert.Equal(t, greeting, a.read(), "nobody is told of himself")
	b.Member, _ = r.Enter(&b.screen, "10.0.0.2")
	assert.Equal(t, greeting, b.read())
	assert.Equal(t, "10.0.0.2 has joined the party.\r\n", a.read())

	for _, step := range []struct{ said, told string }{
		{"hello", "10.0.0.2 says hello\r\n"},
		{"/NAME bob", "10.0.0.2 changed name to bob\r\n"},
		{" two  spaces ", "bob says  two  spaces \r\n"},
		{"/me waves", "* bob waves\r\n"},
		{"//etc", "bob says /etc\r\n"},
		{"", ""},
		{"   ", ""},
	} {
		assert.True(t, b.say(step.said))
		assert.Equal(t, step.told, a.read())
		assert.Equal(t, step.told, b.read(), "its author reads it too")
	}
	assert.False(t, b.say("/EXIT"))
	assert.Equal(t, "bob has disconnected.\r\n", a.read())
	assert.Empty(t, b.read())
	assert.False(t, b.say("I am a ghost"))
	b.Leave()
	assert.Empty(t, a.read())
	assert.Equal(t, []string{"10.0.0.1"}, r.Names())
}

func TestCommands(t *testing.T) {
	var r chat.Room
	a, b := enter(t, &r, "10.0.0.1", "alice"), enter(t, &r, "10.0.0.2", "Bob")
	a.read()
	for _, c := range []struct{ said, me, others string }{
		{"/WHO", "In the room: 2\r\n  alice, Bob\r\n", ""},
		{"/names", "In the room: 2\r\n  alice, Bob\r\n", ""},
		{"/msg bob  psst ", "You told Bob: psst\r\n", "alice tells you: psst\r\n"},
		{"/MSG carol psst", "Nobody here has that name.\r\n", ""},
		{"/MSG \U0001f600 psst", "Nobody here has that name.\r\n", ""},
		{"/MSG bob", "Send '/MSG [name] [text]' to tell somebody alone.\r\n", ""},
		{"/ME", "Send '/ME [text]' to do something.\r\n", ""},
		{"/NAME", "Your name is alice. Send '/NAME [new name]' to change it.\r\n", ""},
		{"/NAME alice", "That is your name.\r\n", ""},
		{"/NAME BOB", "That name is taken.\r\n", ""},
		{"/", "There is no such command. Send '/HELP' for those there are.\r\n", ""},
		{"/NAMEbob", "There is no such command. Send '/HELP' for those there are.\r\n", ""},
		{"/nick Alice", "alice changed name to Alice\r\n", "alice changed name to Alice\r\n"},
	} {
		assert.True(t, a.say(c.said))
		assert.Equal(t, c.me, a.read(), c.said)
		assert.Equal(t, c.others, b.read(), c.said)
	}
	a.say("/help")
	for _, verb := range []string{"/NAME", "/NICK", "/WHO", "/NAMES", "/MSG", "/ME", "/EXIT", "/QUIT"} {
		assert.Contains(t, a.screen.String(), verb)
	}
	assert.False(t, a.say("/quit"))
}

// A name that is nobody's own is not given twice, and not given again while it
// could be taken for who had it before.
func TestHostsNamesAreNumbered(t *testing.T) {
	var r chat.Room
	first := enter(t, &r, "127.0.0.1", "")
	second := enter(t, &r, "127.0.0.1", "")
	assert.Equal(t, "127.0.0.1", first.Name())
	assert.Equal(t, "127.0.0.1#2", second.Name())
	second.say("/MSG 127.0.0.1 hello")
	assert.Contains(t, first.read(), "127.0.0.1#2 tells you: hello\r\n")
	first.Leave()
	assert.Equal(t, "127.0.0.1#3", enter(t, &r, "127.0.0.1", "").Name())
	for _, name := range r.Names() {
		assert.Contains(t, name, "127.0.0.1#")
	}
	assert.Equal(t, "::1", enter(t, &r, "::1", "").Name())
	assert.Equal(t, "fe80::1%eth0", enter(t, &r, "fe80::1%eth0", "").Name())
	for _, odd := range []string{"", "@", "a b", "x\x1b[31m", strings.Repeat("x", 65)} {
		assert.Contains(t, enter(t, &r, odd, "").Name(), "guest")
	}
}

// Nobody gets the name of a guest before him.
func TestGuestNameMayBeChosen(t *testing.T) {
	var r chat.Room
	enter(t, &r, "10.0.0.1", "guest")
	assert.Equal(t, "guest#2", enter(t, &r, "@", "").Name())
}

// A host is forgotten with the last who came from there.
func TestEmptyRoomRemembersNobody(t *testing.T) {
	var r chat.Room
	for range 3 {
		a, b := enter(t, &r, "127.0.0.1", "alice"), enter(t, &r, "127.0.0.1", "")
		assert.Equal(t, "127.0.0.1#2", b.Name())
		a.Leave()
		b.Leave()
		assert.Zero(t, r.Len())
	}
}

func TestRoomCanBeFull(t *testing.T) {
	r := chat.Room{MaxMembers: 2}
	a := enter(t, &r, "10.0.0.1", "")
	enter(t, &r, "10.0.0.2", "")
	a.read()
	var screen bytes.Buffer
	_, err := r.Enter(&screen, "10.0.0.3")
	assert.ErrorIs(t, err, chat.ErrFull)
	assert.Empty(t, screen.String()+a.read())
	a.Leave()
	_, err = r.Enter(&screen, "10.0.0.3")
	assert.NoError(t, err)
}

// A newcomer reads what was said last, and nothing of who came and went.
func TestHistory(t *testing.T) {
	r := chat.Room{History: 2}
	a := enter(t, &r, "10.0.0.1", "alice")
	for _, line := range []string{"one", "two", "/me counts", "/msg alice secret"} {
		a.say(line)
	}
	var b person
	b.Member, _ = r.Enter(&b.screen, "10.0.0.2")
	assert.Equal(t, greeting+"alice says two\r\n* alice counts\r\n", b.read())
}

func TestAnnounce(t *testing.T) {
	var r chat.Room
	a := enter(t, &r, "10.0.0.1", "")
	r.Announce("the build is green\r\n")
	assert.Equal(t, "the build is green\r\n", a.read())
}

// The answer to /WHO is bounded, however many there are.
func TestWhoInACrowd(t *testing.T) {
	r := chat.Room{MaxMembers: -1}
	for range 1500 {
		enter(t, &r, "10.0.0.1", "")
	}
	a := enter(t, &r, "10.0.0.2", "alice")
	a.say("/WHO")
	seen := a.read()
	assert.True(t, strings.HasPrefix(seen, "In the room: 1501\r\n"))
	assert.True(t, strings.HasSuffix(seen, "  and 1101 more\r\n"))
	assert.Less(t, len(seen), 16<<10)
}

// A said line costs no allocation, whatever the number of members.
func TestSayingAllocatesNothing(t *testing.T) {
	for _, line := range []string{"a plain line of text, as most are", "größer als früher, \U0001f600"} {
		var r chat.Room
		for i := range 200 {
			_, err := r.Enter(discard{}, fmt.Sprint("10.0.0.", i))
			require.NoError(t, err)
		}
		m, _ := r.Enter(discard{}, "::1")
		said := []byte(line)
		m.Hear(said)
		assert.Zero(t, testing.AllocsPerRun(2000, func() { m.Hear(said) }), line)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error)       { return len(p), nil }
func (discard) WriteShared(p []byte) (int, error) { return len(p), nil }

func BenchmarkSay200(b *testing.B) {
	var r chat.Room
	for i := range 199 {
		r.Enter(discard{}, fmt.Sprint("10.0.0.", i))
	}
	m, _ := r.Enter(discard{}, "::1")
	said := []byte(strings.Repeat("abcdefghij", 5))
	b.ReportAllocs()
	for b.Loop() {
		m.Hear(said)
	}
}
