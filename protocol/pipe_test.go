package protocol_test

import (
	"bytes"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

// A relayed side passes on what it hears, to the other; see Pipe.
type relayed struct {
	protocol.Base
	other  *relayed
	undo   func()
	most   int // bytes that waited to be sent, at the most
	reason error
}

func (r *relayed) DataReceived(data []byte) {
	r.other.Write(data)
	r.most = max(r.most, r.other.Buffered())
}

func (r *relayed) EOFReceived() (keep bool) {
	r.undo()
	r.other.CloseWrite()
	return true
}

func (r *relayed) ConnectionLost(reason error) {
	r.reason = reason
	r.other.LoseConnection()
}

// A talker is an end: it keeps what it hears, or says it again.
type talker struct {
	protocol.Base
	heard  bytes.Buffer
	echoes bool
	eof    bool
	reason error
}

func (s *talker) DataReceived(data []byte) {
	s.heard.Write(data)
	if s.echoes {
		s.Write(data)
	}
}

func (s *talker) EOFReceived() (keep bool) {
	if s.eof = true; s.echoes {
		s.CloseWrite()
	}
	return true
}

func (s *talker) PauseWriting() {
	if s.echoes {
		s.PauseReading()
	}
}

func (s *talker) ResumeWriting() { s.ResumeReading() }

func (s *talker) ConnectionLost(reason error) { s.reason = reason }

// A relay is two relayed sides and the ends behind them, on a network in memory.
type relay struct {
	t        *testing.T
	m        *reactortest.Memory
	a, b     *relayed // piped each way
	one, two *talker  // the peers of a and b
}

// newRelay joins a and b, which may stand on layers.
func newRelay(t *testing.T, wrap func(protocol.Protocol) protocol.Protocol) *relay {
	m := reactortest.NewMemory(reactortest.Config{})
	r := &relay{t: t, m: m, a: &relayed{}, b: &relayed{}, one: &talker{}, two: &talker{}}
	r.a.other, r.b.other = r.b, r.a
	r.join(wrap(r.a), r.one)
	r.join(wrap(r.b), r.two)
	r.do(func() {
		var err error
		r.a.undo, err = protocol.Pipe(r.a.Transport, r.b.Transport)
		assert.NoError(t, err)
		r.b.undo, err = protocol.Pipe(r.b.Transport, r.a.Transport)
		assert.NoError(t, err)
	})
	return r
}

// join connects client to server.
func (r *relay) join(server, client protocol.Protocol) {
	port, err := r.m.Listen("tcp", "127.0.0.1:0", just{server})
	require.NoError(r.t, err)
	r.m.Connect("tcp", port.Addr().String(), just{client})
	r.m.Settle()
	require.NoError(r.t, port.Close())
}

// just is a factory of one protocol.
type just struct{ p protocol.Protocol }

func (j just) BuildProtocol(net.Addr) protocol.Protocol { return j.p }

// do runs f on the loop and all that follows from it.
func (r *relay) do(f func()) {
	r.t.Helper()
	require.NoError(r.t, r.m.Call(f))
	r.m.Settle()
}

func bareRelay(t *testing.T) *relay {
	return newRelay(t, func(p protocol.Protocol) protocol.Protocol { return p })
}

// eachRelay runs test without and with layers.
func eachRelay(t *testing.T, test func(t *testing.T, r *relay)) {
	for n, name := range []string{"bare", "layer", "layers"} {
		t.Run(name, func(t *testing.T) {
			test(t, newRelay(t, func(p protocol.Protocol) protocol.Protocol {
				_, p = stacked(n, p)
				return p
			}))
		})
	}
}

// A source is not read while what it says cannot be sent, and then it is.
func TestPipeIsBounded(t *testing.T) {
	eachRelay(t, func(t *testing.T, r *relay) {
		const size = 2 << 20
		r.do(func() { r.two.PauseReading(); r.one.Write(make([]byte, size)) })
		r.do(func() {
			assert.False(t, r.a.Reading())
			assert.True(t, r.b.Reading(), "it has to send, and nothing against hearing")
			r.two.Write([]byte("meanwhile"))
		})
		assert.Equal(t, "meanwhile", r.one.heard.String())
		r.do(r.two.ResumeReading)
		assert.Equal(t, size, r.two.heard.Len())
		assert.Less(t, r.a.most, 512<<10)
		r.do(func() { assert.True(t, r.a.Reading()) })
	})
}

// An echo behind a relay gives back all of it, to somebody who first says all: no
// direction waits for the other. The ends of the streams go through one by one.
func TestPipesDoNotWaitForEachOther(t *testing.T) {
	eachRelay(t, func(t *testing.T, r *relay) {
		const size = 2 << 20
		r.two.echoes = true
		r.do(func() { r.one.Write(make([]byte, size)); r.one.CloseWrite() })
		assert.True(t, r.two.eof && r.one.eof)
		assert.Equal(t, size, r.two.heard.Len())
		assert.Equal(t, size, r.one.heard.Len())
		assert.Less(t, max(r.a.most, r.b.most), 512<<10)
		for _, reason := range []error{r.a.reason, r.b.reason, r.one.reason, r.two.reason} {
			assert.ErrorIs(t, reason, protocol.ErrConnectionDone)
		}
	})
}

// When the source has ended the pipe is over, so the sink can be closed in its
// ConnectionLost, and delivers what is owed. So it is when the sink has ended.
func TestPipeEndsWithEitherSide(t *testing.T) {
	eachRelay(t, func(t *testing.T, r *relay) {
		r.do(func() { r.two.PauseReading(); r.one.Write(make([]byte, 1<<20)) })
		r.do(r.a.Abort)
		assert.ErrorIs(t, r.a.reason, protocol.ErrConnectionAborted)
		assert.NoError(t, r.b.reason, "there is something to deliver")
		r.do(r.two.ResumeReading)
		assert.True(t, r.two.eof)
		r.do(r.two.LoseConnection)
		assert.Equal(t, protocol.ErrConnectionDone, r.b.reason)
		assert.Greater(t, r.two.heard.Len(), 256<<10)
	})
}

// A source that is not read is read again when its sink is gone.
func TestPipeWithoutASinkIsOver(t *testing.T) {
	eachRelay(t, func(t *testing.T, r *relay) {
		r.b.other = &relayed{Base: protocol.Base{Transport: r.b.Transport}} // its end touches nobody else
		r.do(func() { r.two.PauseReading(); r.b.Write(make([]byte, 1<<20)) })
		r.do(func() { assert.False(t, r.a.Reading()); r.b.Abort() })
		r.do(func() { assert.True(t, r.a.Reading()); r.a.undo() })
	})
}

// The pipe and the protocol's own pause do not undo each other, whichever comes
// first.
func TestPipeLeavesPausesAlone(t *testing.T) {
	eachRelay(t, func(t *testing.T, r *relay) {
		fill := func() { r.two.PauseReading(); r.b.Write(make([]byte, 1<<20)) }
		r.do(fill)
		r.do(func() { r.a.PauseReading(); r.a.ResumeReading(); assert.False(t, r.a.Reading()) })
		r.do(func() { r.a.PauseReading(); r.two.ResumeReading() })
		r.do(func() { assert.False(t, r.a.Reading()); r.a.ResumeReading(); assert.True(t, r.a.Reading()) })
		r.do(func() { r.a.PauseReading(); fill() })
		r.do(func() { r.a.ResumeReading(); assert.False(t, r.a.Reading()); r.two.ResumeReading() })
		r.do(func() { assert.True(t, r.a.Reading()) })
	})
}

// A source with two sinks is as slow as the slower one.
func TestPipesShareASource(t *testing.T) {
	eachRelay(t, func(t *testing.T, r *relay) {
		third, end := &relayed{other: r.a}, &talker{}
		r.join(third, end)
		r.do(func() {
			_, err := protocol.Pipe(r.a.Transport, third.Transport)
			assert.NoError(t, err)
			for _, p := range []*talker{r.two, end} {
				p.PauseReading()
			}
			r.b.Write(make([]byte, 1<<20))
			third.Write(make([]byte, 1<<20))
		})
		r.do(r.two.ResumeReading)
		r.do(func() { assert.False(t, r.a.Reading()); end.ResumeReading() })
		r.do(func() { assert.True(t, r.a.Reading()) })
	})
}

// While a pipe lasts its sink's close waits, as for any producer.
func TestPipeHoldsTheClose(t *testing.T) {
	eachRelay(t, func(t *testing.T, r *relay) {
		r.do(func() { r.b.undo(); r.b.LoseConnection() })
		assert.False(t, r.two.eof)
		r.do(func() { r.one.Write([]byte("more")) })
		r.do(func() { r.a.undo(); r.a.undo() })
		assert.True(t, r.two.eof)
		assert.Equal(t, "more", r.two.heard.String())
	})
}

// A pipe to a transport that is closing is over at once; one that is undone late
// takes nobody else's producer away.
func TestPipeToAClosingTransport(t *testing.T) {
	r := bareRelay(t)
	r.do(func() {
		r.a.undo()
		r.b.LoseConnection()
		undo, err := protocol.Pipe(r.a.Transport, r.b.Transport)
		assert.NoError(t, err)
		undo()
	})
	r.do(func() {
		r.b.undo()
		s := &source{}
		assert.NoError(t, registry(r.a.Transport).RegisterProducer(s, true))
		r.b.undo()
		assert.Equal(t, protocol.ErrProducer, registry(r.a.Transport).RegisterProducer(s, true))
	})
}

func registry(t protocol.Transport) protocol.ProducerRegistry {
	r, _ := protocol.As[protocol.ProducerRegistry](t)
	return r
}

// There is one producer at a time, and not every transport can be piped.
func TestPipeRefuses(t *testing.T) {
	r := bareRelay(t)
	r.do(func() {
		_, err := protocol.Pipe(r.a.Transport, r.b.Transport)
		assert.Equal(t, protocol.ErrProducer, err)
		_, err = protocol.Pipe(&pipe{Transport: r.a}, r.b.Transport)
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		_, err = protocol.Pipe(r.a.Transport, &pipe{Transport: r.b})
		assert.ErrorIs(t, err, errors.ErrUnsupported)
	})
}
