package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
)

// A client talks for two seconds and prints what it hears.
type client struct{ line.Base }

// ConnectionMade says what is to be said now, and sets timers for the rest.
// They run on the loop and end with the connection.
func (c *client) ConnectionMade(*line.Conn) {
	c.SendLine("Hello")
	for i := range 4 {
		c.SendLine(strconv.Itoa(i + 1))
	}
	c.AfterFunc(time.Second, func() { c.SendLine("world") })
	c.AfterFunc(2*time.Second, c.LoseConnection)
}

func (c *client) LineReceived(l []byte) { fmt.Printf("heard %q\n", l) }

// clients is the factory. It also hears what became of the connection, for the
// program has nothing to do afterwards.
type clients struct {
	leave  func()
	failed error // to connect
}

func (c *clients) BuildProtocol(net.Addr) protocol.Protocol { return line.New(&client{}) }

func (c *clients) Connecting(factory.Connector) {}

func (c *clients) ConnectFailed(_ factory.Connector, err error) {
	if !errors.Is(err, protocol.ErrStopped) { // the user has had enough
		c.failed = err
	}
	c.leave()
}

func (c *clients) Disconnected(factory.Connector, error) { c.leave() }
