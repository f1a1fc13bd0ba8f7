package chat

import (
	"bytes"
	"io"

	"github.com/torsion-go/torsion/protocols/group"
)

var crlf = []byte("\r\n")

// A Member is somebody in a [Room].
type Member struct {
	room  *Room
	out   io.Writer
	host  string
	name  string
	says  []byte // "name says "
	place *group.Member
	left  bool
}

// called gives m a name that is free.
func (m *Member) called(name string) {
	m.name = name
	m.says = []byte(name + " says ")
	m.room.names[nameKey(name)] = m
}

// Name returns what m is called now.
func (m *Member) Name() string { return m.name }

// Hear is told each line that m sends, without its end. It reports whether m
// stays: after /EXIT not. The line may be used again at once.
func (m *Member) Hear(line []byte) (stays bool) {
	if m.left {
		return false
	}
	text := m.room.clean(line)
	switch {
	case len(bytes.TrimLeft(text, " ")) == 0: // somebody leans on Enter
	case text[0] != '/':
		m.room.group.Send(m.says, text, crlf)
	case len(text) > 1 && text[1] == '/':
		m.room.group.Send(m.says, text[1:], crlf)
	default:
		m.command(string(text[1:]))
	}
	return !m.left
}

// Leave takes m out of the room and tells those who stay. Leaving again does
// nothing.
func (m *Member) Leave() {
	if m.left {
		return
	}
	m.vanish()
	m.room.group.Notify([]byte(m.name), []byte(" has disconnected.\r\n"))
}

// vanish is Leave without a word.
func (m *Member) vanish() {
	if !m.left {
		m.left = true
		m.place.Leave()
		m.room.leave(m)
	}
}

// rename gives m another name and tells everyone, or m why not.
func (m *Member) rename(to string) {
	name, why := chosenName(to, m.room.maxName())
	if other := m.room.called(name); why == "" && other != nil && other != m {
		why = "That name is taken."
	}
	switch {
	case why != "":
		m.tell(why)
		return
	case name == m.name:
		m.tell("That is your name.")
		return
	}
	old := m.name
	delete(m.room.names, nameKey(old))
	m.called(name)
	m.room.group.Notify([]byte(old), []byte(" changed name to "), []byte(name), crlf)
}

// tell writes one line to m alone.
func (m *Member) tell(parts ...string) {
	out := m.room.out[:0]
	for _, p := range parts {
		out = append(out, p...)
	}
	out = append(out, crlf...)
	m.out.Write(out)
	m.room.out = out
}
