package factory

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"

	"github.com/torsion-go/torsion/protocol"
)

// A Limit bounds how many connections there may be at a time. Put it around a
// factory by Around; several share the bounds if they are put into the same
// Limit, also those of different loops. Who is refused, a reactor counts
// (Stats.Refused) and logs at Debug.
type Limit struct {
	Total   int // connections in all; no limit if zero
	PerPeer int // connections of one peer; no limit if zero

	// Overflow serves those above the limit, to tell them so. It is called on
	// the loop of the connection. There may be as many of these again; who comes
	// above that is refused, as all are if Overflow is nil. It has to end its
	// connections itself, and is not started as a Starter.
	Overflow Factory

	mu     sync.Mutex
	served slots
	over   slots
}

// slots counts the connections there are.
type slots struct {
	total  int
	byPeer map[netip.Addr]int
}

// Around returns f within the limit. A peer is a host, by whatever port it
// comes: an IPv4 address, or the 64 bits of an IPv6 address that are its
// network's, since all addresses of that are at the disposal of one host. All
// peers of Unix sockets are one.
func (l *Limit) Around(f Factory) Factory { return &limited{l, f} }

type limited struct {
	limit *Limit
	Factory
}

func (f *limited) Inner() any { return f.Factory }

// BuildProtocol refuses, or has a protocol built that holds a slot until its end.
func (f *limited) BuildProtocol(peer net.Addr) protocol.Protocol {
	return f.build(peer, Factory.BuildProtocol)
}

// BuildSecured does so inside TLS.
func (f *limited) BuildSecured(peer net.Addr, state tls.ConnectionState) protocol.Protocol {
	return f.build(peer, func(f Factory, peer net.Addr) protocol.Protocol { return buildSecured(f, peer, state) })
}

// A builder is BuildProtocol or BuildSecured.
type builder func(f Factory, peer net.Addr) protocol.Protocol

func (f *limited) build(peer net.Addr, build builder) protocol.Protocol {
	l, host := f.limit, hostOf(peer)
	switch {
	case l.take(&l.served, host):
		return l.build(f.Factory, peer, build, &l.served, host)
	case l.Overflow != nil && l.take(&l.over, host):
		return l.build(l.Overflow, peer, build, &l.over, host)
	}
	return nil
}

// build gives the slot back if no protocol comes of it.
func (l *Limit) build(f Factory, peer net.Addr, build builder, s *slots, host netip.Addr) protocol.Protocol {
	built := false
	defer func() {
		if !built {
			l.release(s, host)
		}
	}()
	p := build(f, peer)
	if p == nil {
		return nil
	}
	built = true
	return &counted{p, l, s, host}
}

func (l *Limit) take(s *slots, host netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Total > 0 && s.total >= l.Total || l.PerPeer > 0 && s.byPeer[host] >= l.PerPeer {
		return false
	}
	s.total++
	if s.byPeer == nil {
		s.byPeer = make(map[netip.Addr]int)
	}
	s.byPeer[host]++
	return true
}

func (l *Limit) release(s *slots, host netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.total--
	if s.byPeer[host]--; s.byPeer[host] == 0 {
		delete(s.byPeer, host)
	}
}

// counted is a connection that holds a slot.
type counted struct {
	protocol.Protocol
	limit *Limit
	slots *slots
	host  netip.Addr
}

func (c *counted) Inner() any { return c.Protocol }

func (c *counted) ConnectionMade(t protocol.Transport) { protocol.Connect(c.Protocol, t) }

func (c *counted) ConnectionLost(reason error) {
	defer c.limit.release(c.slots, c.host)
	c.Protocol.ConnectionLost(reason)
}

// hostOf is what all connections of one peer have in common. It is the zero Addr
// where there is no IP address.
func hostOf(peer net.Addr) netip.Addr {
	var host netip.Addr
	if t, ok := peer.(*net.TCPAddr); ok {
		host = t.AddrPort().Addr().Unmap()
	} else if peer != nil {
		ap, _ := netip.ParseAddrPort(peer.String()) // a name is the zero Addr
		host = ap.Addr().Unmap()
	}
	if host.Is6() && host.IsGlobalUnicast() {
		network, _ := host.Prefix(64) // an IPv6 address has as many bits
		host = network.Addr()
	}
	return host
}
