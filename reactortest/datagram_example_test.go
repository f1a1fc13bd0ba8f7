package reactortest_test

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

// A parrot says again what it hears.
type parrot struct{ protocol.DatagramBase }

func (p *parrot) DatagramReceived(data []byte, from netip.AddrPort) { p.WriteTo(data, from) }

// A talker has one peer, speaks first and prints what it is told.
type talker struct{ protocol.DatagramBase }

func (t *talker) StartProtocol(protocol.DatagramTransport) { t.Write([]byte("Hello!")) }

func (t *talker) DatagramReceived(data []byte, _ netip.AddrPort) { fmt.Printf("%s\n", data) }

func (t *talker) ErrorReceived(err error) {
	fmt.Println("refused:", errors.Is(err, syscall.ECONNREFUSED))
}

// Two datagram ports, and then a peer that is not there.
func ExampleMemory_ListenDatagram() {
	m := reactortest.NewMemory(reactortest.Config{})
	port, err := m.ListenDatagram("udp", "127.0.0.1:0", &parrot{})
	if err != nil {
		panic(err) // it is an address that nobody else has
	}
	m.ConnectDatagram("udp", port.Addr().String(), &talker{})
	m.Settle()
	port.Close()
	m.ConnectDatagram("udp", port.Addr().String(), &talker{})
	m.Settle()
	// Output:
	// Hello!
	// refused: true
}
