package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
)

// serverTLS and clientTLS trust each other.
var serverTLS, clientTLS = configs("torsion.test")

// configs returns the configurations of a server of that name and of its clients.
func configs(name string) (server, client *tls.Config) {
	cert, err := secure.SelfSigned(name)
	if err != nil {
		panic(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(cert.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: trusted, ServerName: name}
}

// wrap is TLS from the start.
func wrap(f factory.Factory, client bool) factory.Factory { return config(client).Wrap(f) }

// offer is TLS that is started in ConnectionMade.
func offer(f factory.Factory, client bool) factory.Factory { return config(client).Offer(starts{f}) }

func config(client bool) secure.Config {
	if client {
		return secure.Config{Client: clientTLS}
	}
	return secure.Config{Server: serverTLS}
}

// starts is a factory whose connections start TLS at once.
type starts struct{ factory.Factory }

func (f starts) Inner() any { return f.Factory }

func (f starts) BuildProtocol(peer net.Addr) protocol.Protocol {
	if p := f.Factory.BuildProtocol(peer); p != nil {
		return &starter{p}
	}
	return nil
}

type starter struct{ protocol.Protocol }

func (s *starter) Inner() any { return s.Protocol }

func (s *starter) ConnectionMade(t protocol.Transport) {
	starter, _ := protocol.As[protocol.TLSStarter](t)
	if err := starter.StartTLS(); err != nil {
		panic(err)
	}
	protocol.Connect(s.Protocol, t)
}
