package loop_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// A pair is two loops over one kernel that serve one address. The first accepts, has
// some connections already, and is driven by the kernel; the second hears its bell only.
type pair struct {
	*memnet.Kernel
	first, second *loop.Loop
	port          factory.Port
	accepted      int
}

func newPair(t *testing.T, have int, one, two factory.Factory) *pair {
	k := memnet.New(loop.Config{})
	p := &pair{Kernel: k}
	c := loop.Config{Crew: &loop.Crew{}, Watchdog: -1}
	p.first, p.second = loop.New(p, c), loop.New(p, c)
	k.Loop = p.first
	for _, l := range []*loop.Loop{p.first, p.second} {
		leave, err := l.Start()
		require.NoError(t, err)
		t.Cleanup(leave)
	}
	for range have {
		adopted(t, k, &noted{}, factory.Socket{}, nil)
	}
	fd, bound, err := k.Listen("tcp", "127.0.0.1:7", factory.Socket{})
	require.NoError(t, err)
	p.port, err = loop.ServeTogether(bound, factory.Socket{}, []loop.Share{
		{Loop: p.second, Factory: two, FD: -1},
		{Loop: p.first, Factory: one, FD: fd},
	})
	require.NoError(t, err)
	p.Settle()
	p.second.Bell()
	return p
}

// Accept counts.
func (p *pair) Accept(fd int) (int, net.Addr, syscall.Errno) {
	c, peer, e := p.Kernel.Accept(fd)
	if e == 0 {
		p.accepted++
	}
	return c, peer, e
}

// connect has a client come, who is not accepted yet.
func (p *pair) connect() {
	p.first.Connect("tcp", "127.0.0.1:7", factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
	p.Step()
}

// A diary is a factory that writes down what it is told.
type diary struct{ log []string }

func (d *diary) StartFactory() error { d.log = append(d.log, "start"); return nil }
func (d *diary) StopFactory()        { d.log = append(d.log, "stop") }

func (d *diary) BuildProtocol(net.Addr) protocol.Protocol {
	d.log = append(d.log, "build")
	return &noted{onLost: func(error) { d.log = append(d.log, "lost") }}
}

// A connection that one loop has accepted for another is served there, though the port
// is closed meanwhile: its peer is connected. The factory is stopped behind it.
func TestHandedOverConnectionOutlivesItsPort(t *testing.T) {
	var one, two diary
	p := newPair(t, 3, &one, &two)
	p.connect()
	p.Settle()
	require.NoError(t, p.port.Close())
	assert.Equal(t, []string{"start", "stop"}, one.log)
	assert.Equal(t, []string{"start"}, two.log)
	p.second.Bell()
	p.Settle()
	assert.Equal(t, []string{"start", "build", "stop"}, two.log)
	assert.Equal(t, 1, p.second.Figures().Connections)
}

// So is one that comes while the ports of a pool close one after the other.
func TestClosedPortIsHandedNothing(t *testing.T) {
	var one, two diary
	p := newPair(t, 3, &one, &two)
	p.connect()
	p.first.HandTo(1 << 40) // the caller is on the second loop only
	require.NoError(t, p.port.Close())
	p.first.HandTo(0)
	assert.Equal(t, []string{"start", "stop"}, two.log)
	assert.Equal(t, []string{"start"}, one.log)
	p.Settle()
	p.second.Bell()
	p.Settle()
	assert.Equal(t, []string{"start", "build", "stop"}, one.log)
	assert.Equal(t, []string{"start", "stop"}, two.log)
}

// A loop that stops serves what others have accepted for it, and then says goodbye.
func TestHandedOverConnectionIsServedBeforeTheEnd(t *testing.T) {
	var one, two diary
	p := newPair(t, 3, &one, &two)
	require.NoError(t, p.second.Call(func() { // it is handed over behind what the bell runs now
		p.connect()
		p.Settle()
	}))
	p.second.Stop()
	p.second.Bell()
	assert.Equal(t, []string{"start"}, two.log)
	p.second.Bell()
	assert.Equal(t, []string{"start", "build", "stop"}, two.log)
}

// Also if the port is closed while the connection is on its way: it is not reset.
func TestHandedOverConnectionIsServedThoughItsPortCloses(t *testing.T) {
	var one, two diary
	p := newPair(t, 3, &one, &two)
	require.NoError(t, p.second.Call(func() {
		p.connect()
		p.Settle()
		assert.NoError(t, p.port.Close())
	}))
	p.second.Stop()
	p.second.Bell()
	assert.Equal(t, []string{"start"}, two.log)
	p.second.Bell()
	assert.Equal(t, []string{"start", "build", "stop"}, two.log)
}

// Who accepts a connection keeps it, unless another loop has fewer by two at least.
func TestOneConnectionIsNoDifference(t *testing.T) {
	for have, keeps := range []bool{true, true, false, false} {
		var one, two diary
		p := newPair(t, have, &one, &two)
		p.connect()
		p.Settle()
		p.second.Bell()
		assert.Equal(t, keeps, len(one.log) == 2, "of %d", have)
		assert.Equal(t, !keeps, len(two.log) == 2, "of %d", have)
	}
}
