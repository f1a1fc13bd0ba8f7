//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/protocol"
)

// ListenDatagram binds the address; see factory.DatagramNetwork. It calls f on the
// caller's goroutine, once for each reactor that will have a port there: what f returns
// hears what comes to that one, on its loop, and has to be another one each time. What
// it opens in turn belongs to the same reactor, so it takes the network that f was
// given. Port.Close closes the ports of all.
//
// For UDP on Linux that is every reactor: each has a socket (SO_REUSEPORT), and the
// kernel sends what comes from one peer's address to one of them, always the same. The
// address still cannot be bound twice, but by a process of the same user that sets
// SO_REUSEPORT too. What is sent to a broadcast address comes to all of them, and to a
// group (JoinGroup) to all that have joined.
//
// Elsewhere, for Unix datagrams and for the address of a group, no system spreads
// datagrams so: the first reactor has the only port, and f is called once.
func (p *Pool) ListenDatagram(network, addr string, f func(factory.Network) protocol.DatagramProtocol) (factory.Port, error) {
	if err := p.reactors[0].loop.MayOpen("listen", network, addr); err != nil {
		return nil, err
	}
	var shares []loop.DatagramShare
	for _, r := range p.reactors {
		shares = append(shares, loop.DatagramShare{Loop: r.loop, Protocol: f(r)})
		if !spreads(network, addr) {
			break
		}
	}
	if err := p.bindDatagrams(network, addr, shares); err != nil {
		return nil, err
	}
	return loop.ServeDatagrams(p.socket, shares)
}

// spreads reports whether several sockets at the address get each a part of what is
// sent there.
func spreads(network, addr string) bool {
	host, _, _ := net.SplitHostPort(addr) // whoever binds it will say what is wrong
	ip, _ := netip.ParseAddr(host)
	return balances && strings.HasPrefix(network, "udp") && !ip.IsMulticast()
}

// bindDatagrams gives each share a socket. The first has the address for itself before
// the others may share it.
func (p *Pool) bindDatagrams(network, addr string, shares []loop.DatagramShare) error {
	first, err := p.reactors[0].kernel.OpenDatagram(network, addr, false, p.socket)
	if err != nil || len(shares) == 1 {
		shares[0].Socket = first
		return err
	}
	s := p.socket
	s.ReusePort = true
	shares[0].Socket = first
	bound := 1
	err = os.NewSyscallError("setsockopt SO_REUSEPORT", shareAddress(first.FD))
	for ; err == nil && bound < len(shares); bound++ {
		shares[bound].Socket, err = p.reactors[bound].kernel.OpenDatagram(network, first.Local.String(), false, s)
	}
	if err == nil {
		return nil
	}
	for _, m := range shares {
		if m.Socket.Local != nil {
			closeAll(m.Socket.FD)
		}
	}
	return err
}
