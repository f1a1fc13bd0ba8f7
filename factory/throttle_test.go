package factory_test

import (
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
	"github.com/torsion-go/torsion/reactortest"
)

// What holds for a connection holds for one that is throttled, in both directions.
func TestConformanceOfThrottles(t *testing.T) {
	h := reactortest.OverMemory()
	h.Name = "slow"
	var all *factory.Throttle // for each network one, since each has a clock of its own
	h.New = func(_ testing.TB, c reactortest.Config) reactortest.Reactor {
		all = &factory.Throttle{TotalRead: 400 << 20, TotalWrite: 400 << 20, Read: 200 << 20, Write: 200 << 20, Burst: 64 << 10}
		return reactortest.NewMemory(c)
	}
	h.Wrap = func(f factory.Factory, _ bool) factory.Factory { return all.Around(f) }
	reactortest.Test(t, h)
}

// A talker keeps its transport, and what it hears.
type talker struct {
	protocol.Base
	heard int
}

func (s *talker) DataReceived(data []byte) { s.heard += len(data) }

// throttledTalker is one connection within th.
func throttledTalker(th *factory.Throttle) (*talker, *protocoltest.Transport) {
	s := &talker{}
	f := th.Around(factory.Each(func() protocol.Protocol { return s }))
	return s, protocoltest.Connect(f.BuildProtocol(&net.TCPAddr{}))
}

// Who is throttled may abort in any event.
func TestThrottleMayBeAbortedByWhoReads(t *testing.T) {
	var log strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	p := &probe{}
	tr := through((&factory.Throttle{Read: 1000}).Around, p)
	p.data = func(t protocol.Transport, _ []byte) { t.Abort() }
	tr.Receive(strings.Repeat("x", 5000))
	assert.Equal(t, protocol.ErrConnectionAborted, tr.Lost())
	assert.Empty(t, log.String(), "no panic, which builds with checks make of a timer that is set too late")
}

// Over any time no more is sent than the burst and what the rate allows, and not
// much less; what waits is delivered before the close.
func TestThrottleBoundsWhatIsSent(t *testing.T) {
	for _, th := range []*factory.Throttle{
		{Write: 1000},
		{TotalWrite: 1000},
		{Write: 1000, TotalWrite: 5000},
		{Write: 5000, TotalWrite: 1000},
		{Write: 1000, Burst: 300},
	} {
		s, tr := throttledTalker(th)
		burst := 1000
		if th.Burst > 0 {
			burst = th.Burst
		}
		tr.Do(func() { s.Write([]byte(strings.Repeat("x", 10_000))); s.LoseConnection() })
		sent := 0
		for ms := 0; sent < 10_000; ms += 10 {
			sent += len(tr.Take())
			assert.LessOrEqual(t, sent, burst+ms)
			assert.GreaterOrEqual(t, sent, min(10_000, burst+ms-110))
			assert.Equal(t, sent == 10_000, tr.Closed())
			tr.Advance(10 * time.Millisecond)
		}
		tr.EOF()
		assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	}
}

// A peer that sends more than the rate is not read for as long as it is ahead.
func TestThrottleBoundsWhatIsReceived(t *testing.T) {
	s, tr := throttledTalker(&factory.Throttle{Read: 1000})
	for range 50 {
		tr.Receive(strings.Repeat("x", 500))
	}
	for range 200 {
		before := s.heard
		tr.Advance(100 * time.Millisecond)
		assert.LessOrEqual(t, s.heard-before, 64<<10)
	}
	assert.Equal(t, 25_000, s.heard, "25 s worth are through after 20 and the first")
	tr.Do(func() { assert.False(t, s.Reading()) })
	tr.Advance(6 * time.Second)
	tr.Do(func() { assert.True(t, s.Reading()) })
}

// The connections within one Throttle share its totals, each in its turn.
func TestThrottleSharesItsTotals(t *testing.T) {
	net := reactortest.NewMemory(reactortest.Config{})
	th := &factory.Throttle{TotalWrite: 1000, Burst: 100}
	var servers []*talker
	port, err := net.Listen("tcp", "127.0.0.1:0", th.Around(factory.Each(func() protocol.Protocol {
		s := &talker{}
		servers = append(servers, s)
		return s
	})))
	require.NoError(t, err)
	var clients []*talker
	for range 4 {
		c := &talker{}
		clients = append(clients, c)
		net.Connect("tcp", port.Addr().String(), factory.Each(func() protocol.Protocol { return c }))
	}
	net.Settle()
	require.NoError(t, net.Call(func() {
		for _, s := range servers {
			s.Write(make([]byte, 10_000))
		}
	}))
	net.Settle()
	net.Advance(20 * time.Second)
	total := 0
	for _, c := range clients {
		assert.InDelta(t, 5000, c.heard, 200)
		total += c.heard
	}
	assert.InDelta(t, 20_100, total, 100)
}

// Connections that are throttled together have one burst and one rate among them, in both
// directions, and others have their own.
func TestThrottleTogether(t *testing.T) {
	th := &factory.Throttle{Read: 1000, Write: 1000}
	s := &talker{}
	f := th.Together(factory.Each(func() protocol.Protocol { return s }))
	own := func() *protocoltest.Transport { return protocoltest.Connect(f.BuildProtocol(&net.TCPAddr{})) }
	tr := own()
	tr.Do(func() { s.Write(make([]byte, 1000)) })
	assert.Len(t, tr.Take(), 1000, "the burst")
	tr.Receive(strings.Repeat("x", 1000))
	assert.True(t, s.Reading())
	s = &talker{}
	tr = own()
	tr.Do(func() { s.Write(make([]byte, 1000)) })
	assert.Empty(t, tr.Take())
	tr.Receive("x")
	tr.Do(func() { assert.False(t, s.Reading()) })
	s = &talker{}
	f = th.Together(factory.Each(func() protocol.Protocol { return s }))
	tr = own()
	tr.Do(func() { s.Write(make([]byte, 1000)) })
	assert.Len(t, tr.Take(), 1000)
}

// A writer that paces itself is told that what it wrote waits, and when it may go on.
func TestThrottlePausesWriters(t *testing.T) {
	p := &pacedTalker{}
	th := &factory.Throttle{Write: 100 << 10}
	tr := protocoltest.Connect(th.Around(factory.Each(func() protocol.Protocol { return p })).BuildProtocol(&net.TCPAddr{}))
	tr.Do(func() { p.Write(make([]byte, 500<<10)) })
	assert.Equal(t, "p", p.told)
	tr.Advance(3 * time.Second)
	assert.Equal(t, "p", p.told)
	tr.Advance(time.Second)
	assert.Equal(t, "pr", p.told)
}

type pacedTalker struct {
	talker
	told string
}

func (p *pacedTalker) PauseWriting()  { p.told += "p" }
func (p *pacedTalker) ResumeWriting() { p.told += "r" }

// Without limits nothing waits.
func TestThrottleWithoutLimits(t *testing.T) {
	s, tr := throttledTalker(&factory.Throttle{})
	tr.Do(func() { s.Write(make([]byte, 1<<20)) })
	assert.Len(t, tr.Take(), 1<<20)
	tr.Receive(strings.Repeat("x", 1<<20))
	assert.Equal(t, 1<<20, s.heard)
}

// A bound that cannot be meant is a mistake.
func TestThrottleRefusesNegativeBounds(t *testing.T) {
	for _, slow := range []*factory.Throttle{{Read: -1}, {Write: -1}, {TotalRead: -1}, {TotalWrite: -1}, {Write: 1, Burst: -1}} {
		assert.Panics(t, func() { slow.Around(nothing()) })
		assert.Panics(t, func() { slow.Together(nothing()) })
	}
}
