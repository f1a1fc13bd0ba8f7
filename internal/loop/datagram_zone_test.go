package loop_test

import (
	"net"
	"net/netip"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
)

// The zone of the peer may be a name or a number, whatever it was when the port was
// connected. Another zone, and none, is another peer.
func TestConnectedPortKnowsItsPeersZone(t *testing.T) {
	all, err := net.Interfaces()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	name, number := all[0].Name, strconv.Itoa(all[0].Index)
	peer := netip.MustParseAddrPort("[fe80::1]:7")
	with := func(zone string) netip.AddrPort { return netip.AddrPortFrom(peer.Addr().WithZone(zone), peer.Port()) }
	for _, own := range []string{name, number} {
		k := newKernel(t, loop.Config{})
		m := &mailbox{}
		mail(t, k, "udp6", true, with(own).String(), m, factory.Socket{})
		do(k, func() {
			for _, zone := range []string{name, number, number} {
				_, err := m.WriteTo([]byte("x"), with(zone))
				assert.NoError(t, err, "%s, %s", own, zone)
			}
			for _, zone := range []string{"", "0", "987654", "no such zone"} {
				_, err := m.WriteTo([]byte("x"), with(zone))
				assert.ErrorIs(t, err, net.ErrWriteToConnected, "%s, %s", own, zone)
			}
			_, err := m.WriteTo([]byte("x"), netip.AddrPortFrom(with(number).Addr(), 8))
			assert.ErrorIs(t, err, net.ErrWriteToConnected)
		})
	}
}
