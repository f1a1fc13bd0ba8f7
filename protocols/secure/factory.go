package secure

import (
	"crypto/tls"
	"net"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// wrapped is a factory whose connections begin with a handshake.
type wrapped struct {
	factory.Factory
	config *Config
	ended  func(built bool) // a connection has, with a protocol or before; or nil
}

func (f *wrapped) Inner() any { return f.Factory }

func (f *wrapped) BuildProtocol(net.Addr) protocol.Protocol { return stack(f.config, nil, f) }

// build is the BuildProtocol of the factory inside, after the handshake. A policy
// between that is no Factory is not passed by.
func (f *wrapped) build(peer net.Addr, state tls.ConnectionState) protocol.Protocol {
	if s, ok := f.Factory.(Factory); ok {
		return s.BuildSecured(peer, state)
	}
	return f.Factory.BuildProtocol(peer)
}

// watched is one whose factory is told what becomes of clients. It belongs to the
// loop on which these are.
type watched struct {
	*wrapped
	watcher factory.Watcher
	failed  bool // the connection that ended last had no protocol yet
}

// watch returns f, as a Watcher if what is inside is one.
func watch(f *wrapped) factory.Factory {
	w, ok := protocol.As[factory.Watcher](f.Factory)
	if !ok {
		return f
	}
	watched := &watched{wrapped: f, watcher: w}
	f.ended = func(built bool) { watched.failed = !built }
	return watched
}

func (f *watched) Connecting(c factory.Connector) { f.watcher.Connecting(c) }

func (f *watched) ConnectFailed(c factory.Connector, err error) { f.watcher.ConnectFailed(c, err) }

// Disconnected directly follows the ConnectionLost of the connection. For the
// factory inside, one without a protocol never was one.
func (f *watched) Disconnected(c factory.Connector, reason error) {
	switch {
	case !f.failed:
		f.watcher.Disconnected(c, reason)
	case c.Stopped() && reason == protocol.ErrConnectionDone:
		f.watcher.ConnectFailed(c, protocol.ErrConnectionAborted)
	default:
		f.watcher.ConnectFailed(c, reason)
	}
}
