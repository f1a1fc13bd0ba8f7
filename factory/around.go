package factory

import (
	"crypto/tls"
	"net"

	"github.com/torsion-go/torsion/protocol"
)

// Around returns a factory whose protocols are what wrap makes of f's: a layer or a
// policy around each. wrap is not called where f builds none. What else f can do is
// found through it, and it works inside TLS too (see Factory of package secure).
func Around(f Factory, wrap func(p protocol.Protocol, peer net.Addr) protocol.Protocol) Factory {
	return &around{f, wrap}
}

// around is a factory around another, which wraps what that builds.
type around struct {
	Factory
	wrap func(p protocol.Protocol, peer net.Addr) protocol.Protocol
}

func (f *around) Inner() any { return f.Factory }

func (f *around) BuildProtocol(peer net.Addr) protocol.Protocol {
	return f.wrapped(f.Factory.BuildProtocol(peer), peer)
}

// BuildSecured is BuildProtocol inside TLS, see Factory of package secure. It has every
// policy ask the factory inside, so that neither is passed by.
func (f *around) BuildSecured(peer net.Addr, state tls.ConnectionState) protocol.Protocol {
	return f.wrapped(buildSecured(f.Factory, peer, state), peer)
}

func (f *around) wrapped(p protocol.Protocol, peer net.Addr) protocol.Protocol {
	if p == nil {
		return nil
	}
	return f.wrap(p, peer)
}

// buildSecured asks f, which may not care for what the handshake came to.
func buildSecured(f Factory, peer net.Addr, state tls.ConnectionState) protocol.Protocol {
	s, ok := f.(interface {
		BuildSecured(peer net.Addr, state tls.ConnectionState) protocol.Protocol
	})
	if !ok {
		return f.BuildProtocol(peer)
	}
	return s.BuildSecured(peer, state)
}
