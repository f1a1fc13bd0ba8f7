package loop_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/protocol"
)

// A polite layer says goodbye, as TLS does.
type polite struct{ protocol.Layer }

func (p *polite) LoseConnection() {
	p.Write([]byte("goodbye"))
	p.Layer.LoseConnection()
}

// The log names the user's object, also where layers stand below it.
func TestPanicUnderLayersIsNamed(t *testing.T) {
	var log bytes.Buffer
	k := newKernel(t, loop.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	p := &noted{onData: func([]byte) { panic("asked for") }}
	end := adopted(t, k, protocol.Stack(&polite{}, protocol.Stack(&polite{}, p)), factory.Socket{}, nil)
	end.Write([]byte("x"))
	k.Settle()
	assert.Contains(t, log.String(), "in=(*loop_test.noted).DataReceived panic=\"asked for\"")
}

type outer struct {
	noted
	inner protocol.Protocol
}

func (o *outer) Inner() any { return o.inner }

// A factory that returns a nil pointer refuses that connection, and harms no other: also
// where it points to a layer or a wrapper, which everybody asks for what stands above.
func TestNilPointerRefusesTheConnection(t *testing.T) {
	for _, p := range []protocol.Protocol{(*polite)(nil), (*outer)(nil), protocol.Stack(&polite{}, (*outer)(nil))} {
		s := serve(t)
		s.build = func() protocol.Protocol { return p }
		s.connect(1)
		assert.Zero(t, s.Loop.Figures().Connections)
		assert.Equal(t, int64(1), s.Loop.Figures().Refused)
		assert.Equal(t, int64(1), s.Loop.Figures().Panics)
		s.build = nil
		s.connect(1)
		assert.Equal(t, 1, s.made)
	}
}

// A client that is stopped ends through its layers.
func TestStoppedClientEndsThroughLayers(t *testing.T) {
	s := serve(t)
	heard := &noted{}
	s.build = func() protocol.Protocol { return heard }
	client := s.Loop.Connect("tcp", "127.0.0.1:7", factory.Each(func() protocol.Protocol {
		return protocol.Stack(&polite{}, &noted{})
	}), factory.Socket{})
	s.Settle()
	client.Stop()
	s.Settle()
	assert.Equal(t, []string{"data goodbye", "lost"}, heard.log)
	assert.ErrorIs(t, heard.reason, protocol.ErrConnectionDone)
}
