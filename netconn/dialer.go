package netconn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A Dialer connects through a reactor. Its methods are those of a net.Dialer, for
// libraries that take one of them:
//
//	d := netconn.Dialer{Network: r}
//	client := http.Client{Transport: &http.Transport{DialContext: d.DialContext}}
type Dialer struct {
	Network factory.Network // which connects; a reactor

	// Wrap puts layers and policies below the connection; it gets a factory and
	// returns the one around it. None if nil. Such a layer may refuse the
	// connection, after a handshake that failed for example, and that is what
	// Dial then answers.
	Wrap func(factory.Factory) factory.Factory

	// Socket tunes the socket; its Timeout is for the attempt, besides the
	// context's, and for the reactor to run. A peer that takes nothing is not
	// dropped, unless it says so, as a writer has deadlines for that.
	Socket factory.Socket
}

// Dial connects to the address, within Socket.Timeout.
func (d Dialer) Dial(network, addr string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, addr)
}

// DialContext connects to the address before ctx ends, which has no say
// afterwards. Networks and addresses are those of the Network. The error is a
// *net.OpError.
func (d Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.Network == nil {
		panic("netconn: a Dialer needs a Network, which a reactor is")
	}
	mayBlock(d.Network)
	a := &attempt{result: make(chan result, 1)}
	var f factory.Factory = a
	if d.Wrap != nil {
		f = d.Wrap(a)
	}
	n := d.Network.Tuned(patient(d.Socket))
	connector := n.Connect(network, addr, f)
	err := d.begun(ctx, n)
	if err == nil {
		select {
		case r := <-a.result:
			return r.conn, dialError(network, addr, r.err)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	connector.Stop() // also ends a connection that is there already
	return nil, dialError(network, addr, err)
}

// begun waits until the loop has begun the attempt, whose timeout it then counts.
// One that has stopped makes no attempt, and says nothing.
func (d Dialer) begun(ctx context.Context, l protocol.Loop) error {
	heard := make(chan struct{})
	if err := l.Call(func() { close(heard) }); err != nil {
		return err
	}
	if d.Socket.Timeout >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, cmp.Or(d.Socket.Timeout, 30*time.Second), errIdle)
		defer cancel()
	}
	select {
	case <-heard:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errIdle = fmt.Errorf("the reactor does not run: %w", os.ErrDeadlineExceeded)

// dialError is err as that of a net.Dialer.
func dialError(network, addr string, err error) error {
	if _, ok := errors.AsType[*net.OpError](err); ok || err == nil {
		return err
	}
	return &net.OpError{Op: "dial", Net: network, Addr: address{network, addr}, Err: err}
}

// An address is one that was asked for.
type address struct{ network, text string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.text }

// An attempt is the factory of one connection, and tells what became of it.
type attempt struct{ result chan result } // which holds one

type result struct {
	conn net.Conn
	err  error
}

var _ factory.Watcher = (*attempt)(nil)

// BuildProtocol comes when there is a connection, and ConnectionMade after it.
func (a *attempt) BuildProtocol(net.Addr) protocol.Protocol {
	return newSide(func(c *conn) { a.tell(c, nil) })
}

// Connecting is not of interest.
func (a *attempt) Connecting(factory.Connector) {}

// ConnectFailed tells why there is no connection.
func (a *attempt) ConnectFailed(c factory.Connector, err error) {
	c.Stop() // it was the only attempt
	a.tell(nil, err)
}

// Disconnected tells the same where a layer ended the connection before anybody
// had it.
func (a *attempt) Disconnected(c factory.Connector, reason error) {
	c.Stop()
	a.tell(nil, reason)
}

// tell tells the result. Only the first is one.
func (a *attempt) tell(c net.Conn, err error) {
	select {
	case a.result <- result{c, err}:
	default:
	}
}
