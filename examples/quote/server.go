package main

import (
	"io"
	"net"

	"github.com/torsion-go/torsion/protocol"
)

var sayings = []string{
	"Simplicity is prerequisite for reliability. (Dijkstra)",
	"A program that has not been tested does not work. (Stroustrup)",
	"The cheapest, fastest and most reliable components are those that aren't there. (Bell)",
}

// quotes is the factory. What its connections share needs no lock: one loop
// runs them all.
type quotes struct{ next int }

func (q *quotes) BuildProtocol(net.Addr) protocol.Protocol {
	s := sayings[q.next%len(sayings)]
	q.next++
	return &quoter{saying: s}
}

// A quoter is one connection.
type quoter struct {
	protocol.Base
	saying string
}

func (q *quoter) ConnectionMade(t protocol.Transport) { io.WriteString(t, q.saying+"\r\n") }

func (q *quoter) DataReceived(data []byte) { q.Write(data) }
