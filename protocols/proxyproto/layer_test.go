package proxyproto_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/proxyproto"
	"github.com/torsion-go/torsion/protocoltest"
	"github.com/torsion-go/torsion/reactortest"
)

const header = "PROXY TCP4 198.51.100.7 203.0.113.1 40000 25\r\n"

// What came with the header waits until the session reads, and then comes before
// everything else.
func TestInputBehindTheHeaderWaits(t *testing.T) {
	s := &session{}
	s.made = func() { s.PauseReading() }
	tr := connect(trusting, s)
	tr.Receive(header + "one ")
	tr.Receive("two")
	assert.Empty(t, s.heard)
	tr.Do(s.ResumeReading)
	assert.Equal(t, "one two", s.heard)
}

// It is input held back, of which StartTLS would have to know, as is a header that
// has begun.
func TestInputBehindTheHeaderCanBeDropped(t *testing.T) {
	s := &session{}
	s.made = func() { s.PauseReading() }
	p := trusting.Wrap(sessions(s)).BuildProtocol(proxy)
	drop := func() int { return p.(protocol.InputHolder).DropInput() }
	tr := protocoltest.Connect(p)
	tr.Receive("PROXY ")
	tr.Do(func() { assert.Equal(t, 6, drop()) })
	tr.Receive(header + "seven b")
	tr.Do(func() {
		assert.Equal(t, 7, drop())
		assert.Zero(t, drop())
		s.ResumeReading()
	})
	tr.Receive("one")
	assert.Equal(t, "one", s.heard)
}

// A framing that pauses after each line gets them all, one by one.
func TestFramingAboveIsPaced(t *testing.T) {
	l := &pausing{}
	f := trusting.Wrap(factory.Each(func() protocol.Protocol { return line.New(l) }))
	for cut, pieces := range protocoltest.Cuts(header + "one\r\ntwo\r\nthree\r\n") {
		*l = pausing{}
		tr := protocoltest.Connect(f.BuildProtocol(proxy))
		for _, p := range pieces {
			tr.Receive(p)
		}
		for n := 1; n <= 3; n++ {
			assert.Len(t, l.lines, n, cut)
			tr.Do(l.ResumeReading)
		}
		assert.Equal(t, []string{"one", "two", "three"}, l.lines)
	}
}

type pausing struct {
	line.Base
	lines []string
}

func (p *pausing) LineReceived(l []byte) {
	p.lines = append(p.lines, string(l))
	p.PauseReading()
}

// A session that hangs up when it sees who comes hears nothing more.
func TestSessionMayHangUpAtOnce(t *testing.T) {
	s := &session{}
	s.made = func() { s.Write([]byte("not you")); s.LoseConnection() }
	tr := connect(trusting, s)
	tr.Receive(header + "input")
	assert.Equal(t, "not you", tr.Take())
	assert.Empty(t, s.heard)
	assert.Equal(t, protocol.ErrConnectionDone, s.reason)
}

// A server that goes down waits for no header. Neither does a peer that breaks the
// connection mean anything to anybody.
func TestEndBeforeTheHeader(t *testing.T) {
	for name, end := range map[string]func(tr *protocoltest.Transport){
		"shutdown": (*protocoltest.Transport).Shutdown,
		"reset":    (*protocoltest.Transport).Reset,
	} {
		t.Run(name, func(t *testing.T) {
			s := &session{}
			tr := connect(trusting, s)
			tr.Receive("PROXY ")
			end(tr)
			assert.NotErrorIs(t, tr.Lost(), proxyproto.ErrTimeout)
			assert.Error(t, tr.Lost())
			assert.Zero(t, tr.Timers())
			assert.Empty(t, s.built)
			assert.NoError(t, s.reason)
		})
	}
}

// A server that goes down while the proxy does not answer its close is not ended
// by the header's timeout.
func TestShutdownEndsTheTimeout(t *testing.T) {
	tr := connect(trusting, &session{})
	tr.Stall(true)
	tr.Shutdown()
	tr.Advance(time.Minute)
	assert.Equal(t, protocol.ErrConnectionDone, tr.Lost())
}

// A factory that panics costs its connection and no more.
func TestFactoryMayPanic(t *testing.T) {
	tr := protocoltest.Connect(trusting.Wrap(factory.Func(func(net.Addr) protocol.Protocol { panic("no") })).BuildProtocol(proxy))
	tr.Receive(header)
	var panicked *protocol.PanicError
	assert.ErrorAs(t, tr.Lost(), &panicked)
}

// A polite session keeps its side open, and says goodbye when the server goes down.
type polite struct{ session }

func (p *polite) EOFReceived() bool { p.heard += "EOF"; return true }
func (p *polite) Shutdown()         { p.Write([]byte("goodbye")); p.LoseConnection() }

// Behind the header the layer is as if it were not there: the end of the stream, the
// shutdown and the pace of writing are the session's.
func TestLayerChangesNothingElse(t *testing.T) {
	s := &polite{}
	f := factory.Each(func() protocol.Protocol { return s })
	p := trusting.Wrap(f).BuildProtocol(proxy)
	tr := protocoltest.Connect(p)
	tr.Receive(header)
	tr.EOF()
	assert.Equal(t, "EOF", s.heard)
	assert.False(t, tr.Closed())
	shared := []byte("shared ")
	tr.Do(func() {
		w, _ := protocol.As[protocol.SharedWriter](s.Transport)
		w.WriteShared(shared)
		b, _ := protocol.As[protocol.BufferAvailer](s.Transport)
		s.Write(append(b.AvailableBuffer(), "buffer "...))
		r, _ := protocol.As[protocol.ProducerRegistry](s.Transport)
		assert.NoError(t, r.RegisterProducer(nobody{}, true))
		r.UnregisterProducer()
	})
	assert.Equal(t, "shared buffer ", tr.Take())
	tr.Shutdown()
	assert.Equal(t, "goodbye", tr.Take())
	assert.Equal(t, protocol.ErrConnectionDone, s.reason)
}

type nobody struct{}

func (nobody) ResumeProducing() {}
func (nobody) PauseProducing()  {}
func (nobody) StopProducing()   {}

// Room for formatting is the transport's own, so that nothing is copied.
func TestAvailableBufferIsTheTransports(t *testing.T) {
	s := &session{}
	s.made = func() {
		b, ok := protocol.As[protocol.BufferAvailer](s.Transport)
		assert.True(t, ok && cap(b.AvailableBuffer()) > 0)
	}
	connect(trusting, s).Receive(header)
	assert.NotEmpty(t, s.ends)
}

// A server on a Unix socket may be behind a proxy too. The factory is told an
// address even where there is none.
func TestUnixSocket(t *testing.T) {
	m := reactortest.NewMemory(reactortest.Config{})
	s := &session{}
	_, err := m.Listen("unix", "@proxied", proxyproto.Config{TrustUnix: true}.Wrap(sessions(s)))
	require.NoError(t, err)
	client := &session{}
	announce := proxyproto.Announce{
		Source:      &net.UnixAddr{Net: "unix", Name: "/run/client"},
		Destination: &net.UnixAddr{Net: "unix", Name: "/run/server"},
	}
	m.Connect("unix", "@proxied", announce.Around(sessions(client)))
	m.Settle()
	assert.Equal(t, "/run/client /run/server", s.ends)
	assert.Equal(t, "/run/client", s.built)
}

// A header and what is kept of the input behind it are all that the layer holds.
func TestMemoryIsBounded(t *testing.T) {
	s := &session{}
	s.made = func() { s.PauseReading() }
	p := trusting.Wrap(sessions(s)).BuildProtocol(proxy)
	tr := protocoltest.Connect(p)
	tr.Receive(header + strings.Repeat("x", 4<<20))
	tr.Do(func() { assert.LessOrEqual(t, p.(protocol.InputHolder).DropInput(), 64<<10) })
}
