package factory

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/torsion-go/torsion/protocol"
)

// A Limit bounds how many connections there may be at a time. Put it around a
// factory by Around; several share the bounds if they are put into the same
// Limit, also those of different loops. Who is refused, a reactor counts
// (Stats.Refused) and logs at Debug, with the bound that was reached. Inside TLS or
// proxyproto it is a connection that ends, for protocol.ErrRefused.
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
	byPeer map[netip.Addr]*seat
}

// A seat counts those of one peer.
type seat struct {
	limit *Limit
	of    *slots
	host  netip.Addr
	taken int
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
	if s := l.take(&l.served, host); s != nil {
		return l.build(f.Factory, peer, build, s)
	}
	if l.Overflow == nil {
		return nil
	}
	if s := l.take(&l.over, host); s != nil {
		return l.build(l.Overflow, peer, build, s)
	}
	return nil
}

// build gives the slot back if no protocol comes of it.
func (l *Limit) build(f Factory, peer net.Addr, build builder, s *seat) protocol.Protocol {
	built := false
	defer func() {
		if !built {
			s.release()
		}
	}()
	p := build(f, peer)
	if p == nil {
		return nil
	}
	built = true
	return &counted{p, s}
}

// take returns nil if there is no slot for a connection from host.
func (l *Limit) take(of *slots, host netip.Addr) *seat {
	l.mu.Lock()
	defer l.mu.Unlock()
	if name, _ := l.reached(of, host); name != "" {
		return nil
	}
	if of.byPeer == nil {
		of.byPeer = make(map[netip.Addr]*seat)
	}
	s := of.byPeer[host]
	if s == nil {
		s = &seat{limit: l, of: of, host: host}
		of.byPeer[host] = s
	}
	of.total++
	s.taken++
	return s
}

// reached is the bound that stands in the way of a connection from host; it has no name
// if there is none. The mutex is held.
func (l *Limit) reached(of *slots, host netip.Addr) (name string, bound int) {
	switch s := of.byPeer[host]; {
	case l.PerPeer > 0 && s != nil && s.taken >= l.PerPeer:
		return "PerPeer", l.PerPeer
	case l.Total > 0 && of.total >= l.Total:
		return "Total", l.Total
	}
	return "", 0
}

func (s *seat) release() {
	s.limit.mu.Lock()
	defer s.limit.mu.Unlock()
	s.of.total--
	if s.taken--; s.taken == 0 {
		delete(s.of.byPeer, s.host)
	}
}

// WhyRefused names the bound that stands in the peer's way, for the log.
func (f *limited) WhyRefused(peer net.Addr) error {
	l, host := f.limit, hostOf(peer)
	of := &l.served
	if l.Overflow != nil {
		of = &l.over
	}
	l.mu.Lock()
	name, bound := l.reached(of, host)
	l.mu.Unlock()
	if name != "" {
		return fmt.Errorf("%w: Limit.%s of %d", protocol.ErrRefused, name, bound)
	}
	if r, ok := protocol.As[Refuser](f.Factory); ok && l.Overflow == nil {
		return r.WhyRefused(peer)
	}
	return nil
}

// counted is a connection that holds a slot.
type counted struct {
	protocol.Protocol
	seat *seat
}

func (c *counted) Inner() any { return c.Protocol }

func (c *counted) ConnectionMade(t protocol.Transport) { protocol.Connect(c.Protocol, t) }

func (c *counted) ConnectionLost(reason error) {
	defer c.seat.release()
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
