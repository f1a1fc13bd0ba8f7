package reactortest

import (
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

var (
	_ factory.DatagramNetwork = (*Memory)(nil)
	_ factory.DatagramNetwork = tuned{}
)

// ListenDatagram binds a datagram port on this network. An interface, where one is
// named, is "lo".
func (m *Memory) ListenDatagram(network, addr string, p protocol.DatagramProtocol) (factory.Port, error) {
	return m.kernel.Loop.OpenDatagram(network, addr, false, p, m.socket)
}

// ConnectDatagram opens a datagram port that has one peer.
func (m *Memory) ConnectDatagram(network, addr string, p protocol.DatagramProtocol) (factory.Port, error) {
	return m.kernel.Loop.OpenDatagram(network, addr, true, p, m.socket)
}

func (t tuned) ListenDatagram(network, addr string, p protocol.DatagramProtocol) (factory.Port, error) {
	return t.kernel.Loop.OpenDatagram(network, addr, false, p, t.socket)
}

func (t tuned) ConnectDatagram(network, addr string, p protocol.DatagramProtocol) (factory.Port, error) {
	return t.kernel.Loop.OpenDatagram(network, addr, true, p, t.socket)
}
