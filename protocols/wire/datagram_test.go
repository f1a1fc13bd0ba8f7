package wire_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/wire"
	"github.com/torsion-go/torsion/reactortest"
)

// A client notes the answers that it gets.
type client struct {
	protocol.DatagramBase
	heard []string
}

func (c *client) DatagramReceived(data []byte, _ netip.AddrPort) {
	c.heard = append(c.heard, string(data))
}

// ask sends datagrams to a service, from a port if it is not 0, and returns the answers.
func ask(t *testing.T, service protocol.DatagramProtocol, port uint16, all ...string) []string {
	t.Helper()
	m := reactortest.NewMemory(reactortest.Config{})
	p, err := m.ListenDatagram("udp4", "127.0.0.1:7007", service)
	require.NoError(t, err)
	s := factory.Socket{LocalAddr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), port)}
	c := &client{}
	_, err = m.Tuned(s).(factory.DatagramNetwork).ConnectDatagram("udp4", p.Addr().String(), c)
	require.NoError(t, err)
	require.NoError(t, m.Call(func() {
		for _, s := range all {
			_, err := c.Write([]byte(s))
			assert.NoError(t, err)
		}
	}))
	m.Settle()
	return c.heard
}

// Each datagram comes back, the empty one too.
func TestDatagramEcho(t *testing.T) {
	all := []string{"one", "", strings.Repeat("x", 9000)}
	assert.Equal(t, all, ask(t, wire.DatagramEcho(), 0, all...))
}

// Nothing comes back.
func TestDatagramDiscard(t *testing.T) {
	assert.Empty(t, ask(t, wire.DatagramDiscard(), 0, "one", ""))
}

// An answer has neither more characters than came nor than RFC 864 allows, and is a
// piece of its pattern; the numbers differ.
func TestDatagramChargen(t *testing.T) {
	lengths := make(map[int]bool)
	for _, asked := range []int{0, 1, 100, 512, 9000} {
		for _, answer := range ask(t, wire.DatagramChargen(), 0, strings.Repeat("x", asked), strings.Repeat("x", asked)) {
			assert.LessOrEqual(t, len(answer), min(asked, 512))
			assert.True(t, strings.HasPrefix(` !"#$%&'()*`, answer[:min(11, len(answer))]))
			lengths[len(answer)] = true
		}
	}
	assert.Greater(t, len(lengths), 2)
}

// Each datagram is answered by a quote, of no more than 512 bytes.
func TestDatagramQuoteOfTheDay(t *testing.T) {
	quote := wire.DatagramQuoteOfTheDay(func() string { return strings.Repeat("so it goes ", 100) })
	assert.Equal(t, []string{strings.Repeat("so it goes ", 100)[:512]}, ask(t, quote, 0, ""))
}

// Daytime and Time say what they say over TCP.
func TestDatagramClocks(t *testing.T) {
	assert.Equal(t, []string{"Saturday, January 1, 2000 00:00:00-UTC\r\n"}, ask(t, wire.DatagramDaytime(), 0, ""))
	assert.Equal(t, []string{"\xbc\x17\xc2\x00"}, ask(t, wire.DatagramTime(), 0, "what time is it?"))
}

// Nobody answers a service: neither one of the system's ports, nor one on the own.
func TestDatagramServicesDoNotAnswerEachOther(t *testing.T) {
	for name, service := range map[string]func() protocol.DatagramProtocol{
		"echo": wire.DatagramEcho, "chargen": wire.DatagramChargen, "daytime": wire.DatagramDaytime, "time": wire.DatagramTime,
		"quote": func() protocol.DatagramProtocol { return wire.DatagramQuoteOfTheDay(func() string { return "q" }) },
	} {
		for _, port := range []uint16{7, 13, 17, 19, 37, 53, 1023, 7007} {
			assert.Empty(t, ask(t, service(), port, "x"), "%s, port %d", name, port)
		}
		assert.Len(t, ask(t, service(), 1024, "x"), 1, name)
	}
}
