package portforward

import (
	"errors"
	"net"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A side is one of two that say to each other what they hear.
type side struct {
	protocol.Base // its Transport is nil until the side is connected
	other         *side
	whole         bool // its stream has come to its end
}

func (s *side) DataReceived(data []byte) { s.other.Write(data) }

// PauseWriting has the other side wait while this one has too much to take.
func (s *side) PauseWriting() { s.other.PauseReading() }

// ResumeWriting lets it go on.
func (s *side) ResumeWriting() { s.other.ResumeReading() }

// EOFReceived passes the end on. What the other side says is still welcome.
func (s *side) EOFReceived() (keep bool) {
	s.whole = true
	s.other.CloseWrite()
	return true
}

// Shutdown lets both finish.
func (s *side) Shutdown() {}

func (s *side) ConnectionLost(reason error) {
	if s.other.Transport != nil {
		s.other.follow(reason, s.whole)
	}
}

// follow ends this side because the other has ended, for that reason. A stream that
// is whole is delivered, and so is one that was closed in order; of one that broke
// off the peer must not think that it was all.
func (s *side) follow(reason error, whole bool) {
	if whole || errors.Is(reason, protocol.ErrConnectionDone) {
		s.LoseConnection()
		return
	}
	if n, ok := protocol.As[protocol.Notifier](s.Transport); ok {
		n.SetReason(reason)
	}
	if errors.Is(reason, factory.ErrIdle) {
		s.LoseConnection()
	} else {
		s.Abort()
	}
}

// A session is the client's side, and the factory of the other one.
type session struct {
	side
	server    server
	factory   *Factory
	peer      net.Addr
	connector factory.Connector
	gone      bool // the client
}

// ConnectionMade connects to the other side. The client has to wait for that.
func (s *session) ConnectionMade(protocol.Transport) {
	s.PauseReading()
	s.connector = s.factory.connect(s)
}

func (s *session) ConnectionLost(reason error) {
	s.gone = true
	if s.server.Transport == nil && s.connector != nil { // nil: connect panicked
		s.connector.Stop()
	}
	s.side.ConnectionLost(reason)
}

// A server is the other side.
type server struct{ side }

// ConnectionMade lets the client speak.
func (s *server) ConnectionMade(protocol.Transport) { s.other.ResumeReading() }

// BuildProtocol returns the other side, unless the client has gone meanwhile.
func (s *session) BuildProtocol(net.Addr) protocol.Protocol {
	if s.gone {
		return nil
	}
	return &s.server
}

// Connecting has nothing to say to the client.
func (s *session) Connecting(factory.Connector) {}

// ConnectFailed ends the client, who gives the connector up.
func (s *session) ConnectFailed(_ factory.Connector, err error) {
	if s.gone {
		return
	}
	s.follow(err, false)
	if f := s.factory.Failed; f != nil {
		f(s.peer, err)
	}
}

// Disconnected gives the connector up, which would wait to be told to connect again.
func (s *session) Disconnected(c factory.Connector, _ error) { c.Stop() }
