package loop

import (
	"net"
	"slices"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A datagramTeam is the ports by which several loops have one address, one for each.
type datagramTeam []*datagramPort

// A DatagramShare is one loop's part in a team.
type DatagramShare struct {
	Loop     *Loop
	Protocol protocol.DatagramProtocol
	Socket   DatagramSocket
}

// ServeDatagrams opens a port for each share, with s, and returns them as one. If it
// fails it has closed all sockets.
func ServeDatagrams(s factory.Socket, shares []DatagramShare) (factory.Port, error) {
	var t datagramTeam
	fail := func(err error) (factory.Port, error) {
		a := shares[0].Socket.Local
		_ = t.Close() // it has no error
		return nil, &net.OpError{Op: "listen", Net: a.Network(), Addr: a, Err: err}
	}
	for i, m := range shares {
		d, err := newDatagramPort(m.Loop, m.Protocol, m.Socket, s)
		if err != nil {
			for _, left := range shares[i+1:] {
				left.Loop.kernel.Close(left.Socket.FD, false)
			}
			return fail(err)
		}
		t = append(t, d)
	}
	for _, d := range t {
		if err := d.begin(); err != nil {
			return fail(err)
		}
	}
	return t, nil
}

// Addr returns the bound address.
func (t datagramTeam) Addr() net.Addr { return t[0].Addr() }

// Close closes them. It waits for the loops, unless it is called on one of them: two
// that waited for each other would do so for ever.
func (t datagramTeam) Close() error {
	waits := !slices.ContainsFunc(t, func(d *datagramPort) bool { return d.loop.OnLoop() })
	for _, d := range t {
		if waits || d.loop.OnLoop() {
			_ = d.Close() // it has no error
		} else if !d.closeEarly() {
			_ = d.loop.Call(func() { d.end(protocol.ErrConnectionDone) }) // a loop that has ended has closed it
		}
	}
	return nil
}
