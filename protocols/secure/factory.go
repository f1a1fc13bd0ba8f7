package secure

import (
	"crypto/tls"
	"net"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// offered is a factory whose connections begin in clear.
type offered struct {
	factory.Factory
	config *Config
}

func (f *offered) Inner() any { return f.Factory }

func (f *offered) BuildProtocol(peer net.Addr) protocol.Protocol {
	p := f.Factory.BuildProtocol(peer)
	if p == nil {
		return nil
	}
	return stack(f.config, p, nil)
}

// wrapped is a factory whose connections begin with a handshake.
type wrapped struct {
	factory.Factory
	config *Config
	failed bool // the connection that ended last had no protocol yet
}

func (f *wrapped) Inner() any { return f.Factory }

func (f *wrapped) BuildProtocol(net.Addr) protocol.Protocol { return stack(f.config, nil, f) }

// build is the BuildProtocol of the factory inside, after the handshake.
func (f *wrapped) build(peer net.Addr, state tls.ConnectionState) protocol.Protocol {
	if s, ok := protocol.As[Factory](f.Factory); ok {
		return s.BuildSecured(peer, state)
	}
	return f.Factory.BuildProtocol(peer)
}

// watched is one whose factory is told what becomes of clients.
type watched struct {
	*wrapped
	watcher factory.Watcher
}

// watch returns f, as a Watcher if what is inside is one.
func watch(f *wrapped) factory.Factory {
	if w, ok := protocol.As[factory.Watcher](f.Factory); ok {
		return &watched{f, w}
	}
	return f
}

func (f *watched) Connecting(c factory.Connector) { f.watcher.Connecting(c) }

func (f *watched) ConnectFailed(c factory.Connector, err error) { f.watcher.ConnectFailed(c, err) }

// Disconnected directly follows the ConnectionLost of the connection. For the
// factory inside, one without a protocol never was one.
func (f *watched) Disconnected(c factory.Connector, reason error) {
	if f.failed {
		f.watcher.ConnectFailed(c, reason)
	} else {
		f.watcher.Disconnected(c, reason)
	}
}
