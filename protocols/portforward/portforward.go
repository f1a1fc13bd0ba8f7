package portforward

import (
	"cmp"
	"errors"
	"net"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/proxyproto"
)

// A Factory serves clients by connecting them to another address. Network and To
// must be set.
type Factory struct {
	Network factory.Network // connects to the other side, on the clients' own loop
	Net     string          // of To, as for Network.Connect: "tcp" if empty
	To      string          // the address

	// Announce is the version of the PROXY protocol, 1 or 2, in which the other
	// side is told first whom it serves; it must expect that. 0 says nothing.
	Announce int

	// Idle ends clients when nothing has been said for so long, by neither side,
	// as factory.Idle does; also those that have ended one of their two streams.
	// Never if zero.
	Idle time.Duration

	// Failed is told, on the loop, of each client that could not be connected. It
	// may be nil.
	Failed func(client net.Addr, err error)
}

// StartFactory fails, and so does Listen, without Network or To.
func (f *Factory) StartFactory() error {
	if f.Network == nil || f.To == "" {
		return errors.New("portforward: a Factory needs Network and To")
	}
	return nil
}

// StopFactory does nothing.
func (f *Factory) StopFactory() {}

// BuildProtocol returns the client's side of a connection through.
func (f *Factory) BuildProtocol(peer net.Addr) protocol.Protocol {
	s := &session{factory: f, peer: peer}
	s.side.other, s.server.other = &s.server.side, &s.side
	return f.idle(factory.Each(func() protocol.Protocol { return s })).BuildProtocol(peer)
}

// connect begins to connect to the other side for a client.
func (f *Factory) connect(s *session) factory.Connector {
	to := f.idle(s)
	if f.Announce != 0 {
		a := proxyproto.Announce{Version: f.Announce, Source: s.RemoteAddr(), Destination: s.LocalAddr()}
		to = a.Around(to)
	}
	return f.Network.Connect(cmp.Or(f.Net, "tcp"), f.To, to)
}

func (f *Factory) idle(inner factory.Factory) factory.Factory {
	if f.Idle <= 0 {
		return inner
	}
	return factory.Idle{Timeout: f.Idle}.Around(inner)
}
