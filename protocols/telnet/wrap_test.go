package telnet_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

// A starter is a factory with abilities, and refuses when it has had enough.
type starter struct{ left int }

func (s *starter) StartFactory() error { return nil }
func (s *starter) StopFactory()        {}

func (s *starter) BuildProtocol(net.Addr) protocol.Protocol {
	if s.left--; s.left < 0 {
		return nil
	}
	return line.New(&ignorant{})
}

// A wrapped factory keeps its abilities, and may refuse.
func TestWrapKeepsTheFactory(t *testing.T) {
	f := telnet.Config{}.Wrap(&starter{left: 1})
	_, ok := protocol.As[factory.Starter](f)
	assert.True(t, ok)
	tr := protocoltest.Connect(f.BuildProtocol(nil))
	tr.Receive("\xff\xfd\x01")
	assert.Equal(t, "\xff\xfc\x01", tr.Take())
	assert.True(t, f.BuildProtocol(nil) == nil, "no protocol, not one that is nil inside")
}

// A traced factory and its protocols note when their turn comes.
type traced struct {
	factory.Factory
	name string
	note func(s string)
}

func (f *traced) BuildProtocol(peer net.Addr) protocol.Protocol {
	p := f.Factory.BuildProtocol(peer)
	f.note("build " + f.name)
	return &tracedProtocol{p, f}
}

type tracedProtocol struct {
	protocol.Protocol
	f *traced
}

func (p *tracedProtocol) Inner() any { return p.Protocol }

func (p *tracedProtocol) ConnectionMade(t protocol.Transport) {
	p.f.note("made " + p.f.name)
	protocol.Connect(p.Protocol, t)
}

// Factories build from the session outwards, and connections are made from the
// socket inwards; policies stand outside of the layer, and end what is above it.
func TestOrderOfFactories(t *testing.T) {
	s := &session{}
	note := func(what string) { s.note("%s", what) }
	inside := &traced{factory.Each(func() protocol.Protocol { return line.New(s) }), "session", note}
	outside := &traced{telnet.Config{}.Wrap(inside), "telnet", note}
	f := factory.Idle{Timeout: time.Minute}.Around(outside)
	tr := protocoltest.Connect(f.BuildProtocol(nil))
	assert.Equal(t, "build session, build telnet, made telnet, made session", s.take())
	tr.Advance(time.Minute)
	assert.Equal(t, "lost", s.take())
	assert.ErrorIs(t, tr.Lost(), factory.ErrIdle)
}
