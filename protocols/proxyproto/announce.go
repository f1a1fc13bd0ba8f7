package proxyproto

import (
	"net"

	codec "github.com/pires/go-proxyproto"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// An Announce says for whom a proxy connects to a server: the ends of the
// connection that its own client made.
//
//	f = proxyproto.Announce{Source: t.RemoteAddr(), Destination: t.LocalAddr()}.Around(f)
//	network.Connect("tcp", server, f)
//
// TLS to the server stands inside.
type Announce struct {
	Version int // of the protocol, 1 or 2; 2 if zero

	// Source is the client, Destination what it connected to. If they are not
	// both of one kind, TCP or Unix (version 1: TCP), the header says that they
	// are not known, and the server sees the proxy.
	Source, Destination net.Addr
}

// Around returns f with the header sent first on each of its connections. It
// panics if there is no such version or port.
func (a Announce) Around(f factory.Factory) factory.Factory {
	if a.Version < 0 || a.Version > 2 {
		panic("proxyproto: the versions are 1 and 2")
	}
	head, err := codec.HeaderProxyFromAddrs(byte(a.Version), a.Source, a.Destination).Format()
	if err != nil {
		panic(err)
	}
	return &announcing{f, head}
}

type announcing struct {
	factory.Factory
	head []byte
}

func (f *announcing) Inner() any { return f.Factory }

func (f *announcing) BuildProtocol(peer net.Addr) protocol.Protocol {
	p := f.Factory.BuildProtocol(peer)
	if p == nil {
		return nil
	}
	return &announced{p, f.head}
}

// announced is a connection that begins with a header.
type announced struct {
	protocol.Protocol
	head []byte
}

func (a *announced) Inner() any { return a.Protocol }

func (a *announced) ConnectionMade(t protocol.Transport) {
	t.Write(a.head)
	protocol.Connect(a.Protocol, t)
}
