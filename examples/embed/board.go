package main

import (
	"net"
	"strconv"
	"sync/atomic"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
	"github.com/torsion-go/torsion/protocols/line"
)

// A board has a side for each loop.
type board struct {
	sides []*side
	last  atomic.Int64 // reader, on whichever side
}

func (b *board) on(n factory.Network) factory.Factory {
	s := &side{board: b, loop: n, readers: map[int]*protocol.Remote{}}
	b.sides = append(b.sides, s)
	return s
}

// A side has readers. It is the factory of their connections. What is in it
// belongs to the loop: it needs no lock, and other goroutines (see web.go) touch
// it by way of the loop only.
type side struct {
	board   *board
	loop    protocol.Loop
	all     group.Group
	readers map[int]*protocol.Remote
}

func (s *side) BuildProtocol(net.Addr) protocol.Protocol {
	return line.Config{AcceptLF: true}.New(&reader{side: s})
}

// A reader is one connection.
type reader struct {
	line.Base
	side  *side
	id    int
	place *group.Member
}

func (r *reader) ConnectionMade(c *line.Conn) {
	r.id, r.place = int(r.side.board.last.Add(1)), r.side.all.Join(c)
	r.side.readers[r.id] = protocol.NewRemote(c)
	r.SendLine("You are reader " + strconv.Itoa(r.id) + ". Send 'quit' to leave.")
}

func (r *reader) LineReceived(l []byte) {
	if string(l) == "quit" {
		r.LoseConnection()
	}
}

func (r *reader) ConnectionLost(error) {
	r.place.Leave()
	delete(r.side.readers, r.id)
}
