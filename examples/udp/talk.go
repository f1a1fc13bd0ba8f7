package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// A server answers everybody.
type server struct{ protocol.DatagramBase }

func (s *server) DatagramReceived(data []byte, from netip.AddrPort) {
	fmt.Printf("%v says %q\n", from, data)
	s.WriteTo([]byte("Are you talking to me?"), from)
}

// A client says Hey! until somebody answers, for any datagram may be lost.
type client struct {
	protocol.DatagramBase
	leave  func()
	tries  int
	failed error
}

func (c *client) StartProtocol(protocol.DatagramTransport) { c.hey() }

func (c *client) hey() {
	if c.tries++; c.tries > 5 {
		c.end(errors.New("no answer"))
		return
	}
	c.Write([]byte("Hey!"))
	c.AfterFunc(time.Second, c.hey)
}

func (c *client) DatagramReceived(data []byte, from netip.AddrPort) {
	fmt.Printf("%v says %q\n", from, data)
	c.end(nil)
}

// ErrorReceived hears that nobody is there.
func (c *client) ErrorReceived(err error) { c.end(err) }

func (c *client) end(err error) {
	c.failed = err
	c.leave()
}
