// torsion: our own, on the public API, as its users write it.
//
//	torsion PORT MODE [N]      tls-MODE: the same over TLS; N: a pool of so many reactors
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
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

type datagrams struct{ protocol.DatagramBase }

func (d *datagrams) DatagramReceived(data []byte, from netip.AddrPort) { d.WriteTo(data, from) }

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
	build := func() factory.Factory {
		if encrypted {
			return overTLS(service(mode))
		}
		return service(mode)
	}
	run := serve
	if len(os.Args) > 3 {
		run = serveTogether
	}
	if err := run("127.0.0.1:"+os.Args[1], build); err != nil {
		log.Fatal(err)
	}
}

func serve(addr string, build func() factory.Factory) error {
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		return err
	}
	if os.Args[2] == "udp" {
		_, err = r.ListenDatagram("udp", addr, &datagrams{})
	} else {
		_, err = r.Listen("tcp", addr, build())
	}
	if err != nil {
		return err
	}
	return r.Run(context.Background())
}

func serveTogether(addr string, build func() factory.Factory) error {
	n, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	pool, err := reactor.NewPool(n, reactor.Config{})
	if err != nil {
		return err
	}
	if _, err := pool.Listen("tcp", addr, func(factory.Network) factory.Factory { return build() }); err != nil {
		return err
	}
	tellSpread(pool)
	return pool.Run(context.Background())
}

// tellSpread prints "spread" and how many connections each reactor has, for each SIGUSR1.
func tellSpread(pool *reactor.Pool) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	go func() {
		for range c {
			text := "spread"
			for _, r := range pool.Reactors() {
				text += fmt.Sprint(" ", r.Stats().Connections)
			}
			fmt.Println(text)
		}
	}()
}
