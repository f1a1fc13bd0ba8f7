package loop

import (
	"net"

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

// Close closes them all.
func (t datagramTeam) Close() error {
	for _, d := range t {
		_ = d.Close() // it has no error
	}
	return nil
}
