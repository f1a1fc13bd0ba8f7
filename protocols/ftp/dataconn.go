package ftp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
)

// A dataConn is the protocol of a data connection. It is not read before something is
// to move over it.
type dataConn struct {
	protocol.Base
	c *channel
}

func (d *dataConn) ConnectionMade(protocol.Transport) {
	d.PauseReading()
	d.c.arrived(d)
}

func (d *dataConn) Secured(state tls.ConnectionState) {
	if d.c.conn == d {
		d.c.secured(state)
	}
}

func (d *dataConn) DataReceived(p []byte) {
	if d.current() {
		d.c.job.received(p)
	}
}

func (d *dataConn) ReadResumed() {
	if d.current() {
		d.c.job.resumed()
	}
}

func (d *dataConn) EOFReceived() (keep bool) {
	if !d.current() {
		return false
	}
	d.c.job.eof()
	return true
}

func (d *dataConn) ConnectionLost(reason error) {
	if errors.Is(reason, secure.ErrTruncated) && d.c.s.server.AllowTruncation && d.current() {
		d.c.job.eof()
	}
	d.c.lost(d, reason)
}

// Shutdown leaves what moves to the session, which waits for its end.
func (d *dataConn) Shutdown() {}

// current reports whether something moves over this connection.
func (d *dataConn) current() bool { return d.c.conn == d && d.c.state == moving && !d.c.over }

// A door builds the data connections of a channel.
type door struct{ c *channel }

// BuildProtocol turns away whoever is not the client; the port stays open for him.
func (o door) BuildProtocol(peer net.Addr) protocol.Protocol {
	if !o.c.welcome(peer) {
		o.c.stranger(peer)
		return nil
	}
	return &dataConn{c: o.c}
}

// stranger tells of the first in a session: they can be many, and fill a log.
func (c *channel) stranger(peer net.Addr) {
	level := slog.LevelInfo
	if c.met {
		level = slog.LevelDebug
	}
	c.met = true
	c.s.logger().Log(context.Background(), level, "ftp: a stranger at the data port", "peer", peer, "client", c.s.RemoteAddr(), "decides", "Config.DataPeer")
}

// door returns the factory of data connections, of which a session has one: so what is
// around it can bound all of them. Sessions of TLS are resumed there and not begun: a
// client that uploads never reads its ticket, and its system would answer it with a reset
// that destroys the end of what it has sent.
func (c *channel) door() factory.Factory {
	if c.doors == nil {
		c.doors = c.newDoor()
	}
	return c.doors
}

func (c *channel) newDoor() factory.Factory {
	var f factory.Factory = door{c}
	if t := c.s.server.TLS; t != nil {
		if c.s.server.RequireReuse {
			t = owner(c.s.RemoteAddr().String()).dataTLS(t)
		}
		f = secure.Config{Server: t, NoTickets: true, HandshakeTimeout: -1}.Offer(f)
	}
	if c.s.server.Data != nil {
		f = c.s.server.Data(f)
	}
	return f
}

// refusalTime is how long the client of a refused upload may go on sending before it is
// reset: many look for the reply only when they are done.
const refusalTime = 5 * time.Second

// network opens data connections, which nobody hurries but TransferTimeout.
func (c *channel) network(local netip.Addr) factory.Network {
	s := c.s.server
	return s.Network.Tuned(factory.Socket{
		LocalAddr: netip.AddrPortFrom(local, 0), Timeout: s.OpenTimeout,
		SlowPeerTimeout: s.TransferTimeout, CloseTimeout: s.TransferTimeout, LingerTimeout: refusalTime,
	})
}

// connect goes to where the client has said, from the address that he knows; from any,
// if that is not ours.
func (c *channel) connect(from netip.Addr) {
	c.dial = c.network(from).Connect("tcp", c.to.String(), dialled{c.door(), c, from})
}

// A dialled is the factory of a connection that we begin.
type dialled struct {
	factory.Factory
	c    *channel
	from netip.Addr
}

func (d dialled) Inner() any { return d.Factory }

func (d dialled) Connecting(factory.Connector) {}

func (d dialled) ConnectFailed(k factory.Connector, err error) {
	c := d.c
	switch {
	case c.dial != k || c.over:
	case d.from.IsValid() && errors.Is(err, syscall.EADDRNOTAVAIL):
		c.connect(netip.Addr{})
	default:
		c.dial = nil
		c.fail(Error{425, "Cannot connect there"}, err)
	}
}

func (d dialled) Disconnected(k factory.Connector, _ error) {
	if d.c.dial == k {
		d.c.dial = nil
	}
}

var (
	_ protocol.EOFReceiver     = (*dataConn)(nil)
	_ protocol.ReadResumer     = (*dataConn)(nil)
	_ protocol.SecuredReceiver = (*dataConn)(nil)
	_ protocol.Shutdowner      = (*dataConn)(nil)
	_ factory.Watcher          = dialled{}
)
