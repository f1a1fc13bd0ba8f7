package chat

import (
	"io"
	"net"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
)

// A corner is the part of a Room that is on one loop, and the factory of its
// connections.
type corner struct {
	room     *Room
	shard    *group.Shard
	sessions factory.Factory // over telnet
	scratch  []byte          // for lines that have to be cleaned
	out      []byte          // for lines to one member
}

// corner returns a new corner; of the only loop if that is nil.
func (r *Room) corner(loop protocol.Loop) *corner {
	r.begun.Do(func() { r.group.History, r.group.HistoryBytes = r.History, r.HistoryBytes })
	c := &corner{room: r, shard: r.group.On(loop)}
	c.sessions = telnet.Config{}.Wrap(factory.Each(c.session))
	return c
}

func (c *corner) BuildProtocol(peer net.Addr) protocol.Protocol {
	return c.sessions.BuildProtocol(peer)
}

func (c *corner) session() protocol.Protocol {
	return line.Config{MaxLength: c.room.maxLine(), AcceptLF: true}.New(&session{corner: c, room: c.room})
}

const greeting = "Welcome to my chat server.\r\n" +
	"Send '/NAME [new name]' to change your name.\r\n" +
	"Send '/EXIT' to quit.\r\n"

func (c *corner) enter(w io.Writer, from string) (*Member, error) {
	host := hostName(from)
	name, key, ok := c.room.roll.admit(host, c.room.maxMembers())
	if !ok {
		return nil, ErrFull
	}
	m := &Member{corner: c, host: host}
	m.called(name, key)
	io.WriteString(w, greeting)
	c.shard.Notify([]byte(name), []byte(" has joined the party.\r\n"))
	m.place = c.shard.Join(w)
	c.room.roll.seat(m)
	return m, nil
}

func (c *corner) clean(line []byte) []byte {
	var text []byte
	text, c.scratch = clean(c.scratch, line)
	return text
}
