// Package factory has what makes protocols and what connects them: a Factory
// builds one Protocol for each connection, a Network listens and connects. The
// policies here (limits, idle timeouts, throttles, reconnecting, traffic logs,
// recordings) are factories around factories.
package factory

import (
	"net"

	"github.com/torsion-go/torsion/protocol"
)

// A Factory builds the protocol of each new connection, on the loop. State that
// connections share lives in it. It may also be a [Starter], and for clients a
// [Watcher]; both are looked for with protocol.As, so a factory around another
// has a method Inner() any.
type Factory interface {
	// BuildProtocol returns the protocol of a connection with peer, or nil to
	// refuse it. Every protocol it returns hears ConnectionMade and
	// ConnectionLost, once each. If it panics the connection is closed.
	BuildProtocol(peer net.Addr) protocol.Protocol
}

// Func is a function as a Factory.
type Func func(peer net.Addr) protocol.Protocol

// BuildProtocol calls f.
func (f Func) BuildProtocol(peer net.Addr) protocol.Protocol { return f(peer) }

// Each is a Factory that calls f for each connection, whoever the peer is.
func Each(f func() protocol.Protocol) Factory {
	return Func(func(net.Addr) protocol.Protocol { return f() })
}

// A Starter is told when its factory is first used and when it is used no more,
// counted over all ports and connectors of a Network.
type Starter interface {
	// StartFactory runs before the first Listen or Connect goes on; its error
	// is that call's.
	StartFactory() error

	// StopFactory runs when the last port is closed or the last connector has
	// given up: on the loop, unless it has not got to know the port yet.
	StopFactory()
}

// A Refuser is a factory that can say why it has just refused a peer: for the log. It is
// looked for with protocol.As, and asked on the loop. Nil is for no reason in particular.
type Refuser interface{ WhyRefused(peer net.Addr) error }

// A Watcher hears what becomes of a Connector's attempts, on the loop.
type Watcher interface {
	// Connecting comes before each attempt.
	Connecting(c Connector)

	// ConnectFailed says that no protocol was built, or that the attempt was
	// stopped. It may call c.Connect.
	ConnectFailed(c Connector, err error)

	// Disconnected comes after the protocol's ConnectionLost. It may call
	// c.Connect.
	Disconnected(c Connector, reason error)
}
