// torsion: our own, on the public API, as its users write it.
//
//	torsion PORT MODE          tls-MODE: the same over TLS
package main

import (
	"context"
	"crypto/tls"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"github.com/torsion-go/torsion/bench/heap"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactor"
)

type echo struct{ protocol.Base }

func (e *echo) DataReceived(data []byte) { e.Write(data) }

var prompt = []byte("> ")

type lines struct{ line.Base }

func (l *lines) LineReceived(text []byte) { l.SendBytes(prompt, text) }

var end = []byte("\r\n")

// A room is its own factory.
type room struct{ group.Group }

func (r *room) BuildProtocol(net.Addr) protocol.Protocol { return line.New(&member{room: r}) }

type member struct {
	line.Base
	room  *room
	place *group.Member
}

func (m *member) ConnectionMade(c *line.Conn) { m.place = m.room.Join(c) }
func (m *member) LineReceived(text []byte)    { m.room.Send(text, end) }
func (m *member) ConnectionLost(reason error) { m.place.Leave() }

func newEcho() protocol.Protocol  { return &echo{} }
func newLines() protocol.Protocol { return line.New(&lines{}) }

func service(mode string) factory.Factory {
	switch mode {
	case "line":
		return factory.Each(newLines)
	case "chat":
		return &room{}
	case "timeout":
		return factory.Idle{Timeout: 30 * time.Second}.Around(factory.Each(newEcho))
	default:
		return factory.Each(newEcho)
	}
}

func overTLS(f factory.Factory) factory.Factory {
	cert, err := secure.SelfSigned("bench")
	if err != nil {
		log.Fatal(err)
	}
	return secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{cert}}}.Wrap(f)
}

func main() {
	heap.Tell()
	mode, encrypted := strings.CutPrefix(os.Args[2], "tls-")
	f := service(mode)
	if encrypted {
		f = overTLS(f)
	}
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := r.Listen("tcp", "127.0.0.1:"+os.Args[1], f); err != nil {
		log.Fatal(err)
	}
	if err := r.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
