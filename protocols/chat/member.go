package chat

import (
	"bytes"

	"github.com/torsion-go/torsion/protocols/group"
)

var crlf = []byte("\r\n")

// A Member is somebody in a [Room]. It belongs to the loop of its connection.
type Member struct {
	corner *corner
	host   string
	name   string // with key and says guarded by roll.mu, but for the member's own loop, which writes them
	key    string // nameKey(name)
	says   []byte // "name says "
	place  *group.Member
	left   bool
}

func (m *Member) called(name, key string) {
	m.name, m.key = name, key
	m.says = []byte(name + " says ")
}

// Name returns what m is called now.
func (m *Member) Name() string { return m.name }

// Hear is told each line that m sends, without its end. It reports whether m
// stays: after /EXIT not. The line may be used again at once.
func (m *Member) Hear(line []byte) (stays bool) {
	if m.left {
		return false
	}
	text := m.corner.clean(line)
	switch {
	case len(bytes.TrimLeft(text, " ")) == 0: // somebody leans on Enter
	case text[0] != '/':
		m.corner.shard.Send(m.says, text, crlf)
	case len(text) > 1 && text[1] == '/':
		m.corner.shard.Send(m.says, text[1:], crlf)
	default:
		m.command(string(text[1:]))
	}
	return !m.left
}

// Leave takes m out of the room and tells those who stay. Leaving again does
// nothing.
func (m *Member) Leave() {
	if m.part() {
		defer m.corner.room.roll.release(m.key)
		m.corner.shard.Notify([]byte(m.name), []byte(" has disconnected.\r\n"))
	}
}

// vanish is Leave without a word.
func (m *Member) vanish() {
	if m.part() {
		m.corner.room.roll.release(m.key)
	}
}

// part takes m out of the room, and reports whether he was there. His name is held.
func (m *Member) part() bool {
	if m.left {
		return false
	}
	m.left = true
	m.place.Leave()
	m.corner.room.roll.leave(m)
	return true
}

// rename gives m another name and tells everyone, or m why not.
func (m *Member) rename(to string) {
	room := m.corner.room
	name, why := chosenName(to, room.maxName())
	old, oldKey, key := m.name, m.key, nameKey(name)
	switch {
	case why != "":
		m.tell(why)
		return
	case name == old:
		m.tell("That is your name.")
		return
	case !room.roll.rename(m, name, key):
		m.tell("That name is taken.")
		return
	}
	if key != oldKey {
		defer room.roll.release(oldKey)
	}
	m.corner.shard.Notify([]byte(old), []byte(" changed name to "), []byte(name), crlf)
}

// tell has m alone read a line, behind what the room has said before.
func (m *Member) tell(parts ...string) { m.corner.tell(m, parts...) }

// tell has one member read a line, wherever he is.
func (c *corner) tell(m *Member, parts ...string) {
	out := c.out[:0]
	for _, p := range parts {
		out = append(out, p...)
	}
	out = append(out, crlf...)
	c.shard.Tell(m.place, out)
	c.out = out
}
