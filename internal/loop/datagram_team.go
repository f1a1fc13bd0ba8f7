package loop

import (
	"net"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A DatagramShare is one loop's part in a team of datagram ports.
type DatagramShare struct {
	Loop     *Loop
	Protocol protocol.DatagramProtocol
	Socket   DatagramSocket
}

// ServeDatagrams opens a port for each share, with s, and returns them as one. If it
// fails it has closed all sockets.
func ServeDatagrams(s factory.Socket, shares []DatagramShare) (factory.Port, error) {
	var t team[*datagramPort]
	fail := func(err error) (factory.Port, error) {
		a := shares[0].Socket.Local
		return nil, &net.OpError{Op: "listen", Net: a.Network(), Addr: a, Err: err}
	}
	for i, m := range shares {
		d, err := newDatagramPort(m.Loop, m.Protocol, m.Socket, s)
		if err != nil {
			for _, left := range shares[i+1:] {
				left.Loop.kernel.Close(left.Socket.FD, false)
			}
			_ = t.Close()
			return fail(err)
		}
		t = append(t, d)
	}
	if err := t.begin(); err != nil {
		return fail(err)
	}
	return t, nil
}
