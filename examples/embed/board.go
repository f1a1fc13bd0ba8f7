package main

import (
	"net"
	"strconv"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
	"github.com/torsion-go/torsion/protocols/line"
)

// A board has readers. It is the factory of their connections. What is in it
// belongs to the loop: it needs no lock, and other goroutines (see web.go) touch
// it by way of the loop only.
type board struct {
	loop    protocol.Loop
	all     group.Group
	readers map[int]*protocol.Remote
	last    int
}

func (b *board) BuildProtocol(net.Addr) protocol.Protocol {
	return line.Config{AcceptLF: true}.New(&reader{board: b})
}

// A reader is one connection.
type reader struct {
	line.Base
	board *board
	id    int
	place *group.Member
}

func (r *reader) ConnectionMade(c *line.Conn) {
	b := r.board
	if b.readers == nil {
		b.readers = map[int]*protocol.Remote{}
	}
	b.last++
	r.id, r.place = b.last, b.all.Join(c)
	b.readers[r.id] = protocol.NewRemote(c)
	r.SendLine("You are reader " + strconv.Itoa(r.id) + ". Send 'quit' to leave.")
}

func (r *reader) LineReceived(l []byte) {
	if string(l) == "quit" {
		r.LoseConnection()
	}
}

func (r *reader) ConnectionLost(error) {
	r.place.Leave()
	delete(r.board.readers, r.id)
}
