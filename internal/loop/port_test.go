package loop_test

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// A counter counts the events of all its protocols.
type counter struct {
	protocol.Base
	made, lost *int
}

func (c *counter) ConnectionMade(t protocol.Transport) { *c.made++ }
func (c *counter) DataReceived([]byte)                 {}
func (c *counter) ConnectionLost(error)                { *c.lost++ }

// A server listens in memory, and counts.
type server struct {
	*memnet.Kernel
	made, lost int
	build      func() protocol.Protocol // instead of a counter, if set
	port       factory.Port
}

func serve(t *testing.T) *server {
	s := &server{Kernel: newKernel(t, loop.Config{Logger: slog.New(slog.DiscardHandler)})}
	var err error
	s.port, err = s.Loop.Listen("tcp", "127.0.0.1:7", s, factory.Socket{})
	require.NoError(t, err)
	return s
}

func (s *server) BuildProtocol(net.Addr) protocol.Protocol {
	if s.build != nil {
		return s.build()
	}
	return &counter{made: &s.made, lost: &s.lost}
}

// connect makes n clients, whose own events do not count.
func (s *server) connect(n int) {
	ignored := 0
	for range n {
		s.Loop.Connect("tcp", "127.0.0.1:7", factory.Each(func() protocol.Protocol {
			return &counter{made: &ignored, lost: &ignored}
		}), factory.Socket{})
	}
	s.Settle()
}

// Failures of accept end neither the loop nor the port: a connection that is gone
// or not allowed is passed over, and what is wrong with us is waited for without
// spinning.
func TestAcceptErrorsAreSurvived(t *testing.T) {
	for e, rests := range map[syscall.Errno]bool{
		syscall.ECONNABORTED: false,
		syscall.EPERM:        false,
		syscall.EMFILE:       true,
		syscall.ENFILE:       true,
		syscall.ENOBUFS:      true,
		syscall.ENOMEM:       true,
		syscall.EIO:          true,
	} {
		t.Run(e.Error(), func(t *testing.T) {
			s := serve(t)
			s.connect(1)
			require.Equal(t, 1, s.made)
			s.Faults.Accept = []syscall.Errno{e}
			s.connect(3)
			assert.Equal(t, int64(1), s.Loop.Figures().AcceptErrors)
			switch shed := s.Faults.Shed; {
			case !rests && e == syscall.ECONNABORTED:
				assert.Equal(t, 3, s.made, "one was gone")
			case !rests:
				assert.Equal(t, 4, s.made)
			default:
				assert.Equal(t, 1, s.made, "the port rests")
				assert.Equal(t, e == syscall.EMFILE || e == syscall.ENFILE, shed == 3)
				s.Advance(time.Second)
				s.connect(1)
				assert.Equal(t, 5-shed, s.made, "it accepts again")
			}
			assert.Zero(t, s.lost, "those who are connected notice nothing")
		})
	}
}

// A connection that the poller will not have is reset, counted, and logged once a second
// at most.
func TestPollerRefusesAConnection(t *testing.T) {
	var log bytes.Buffer
	k := memnet.New(loop.Config{})
	k.Loop = loop.New(&fullPoller{Kernel: k, accepted: -1}, loop.Config{Watchdog: -1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	leave, err := k.Loop.Start()
	require.NoError(t, err)
	t.Cleanup(leave)
	s := &server{Kernel: k}
	s.port, err = k.Loop.Listen("tcp", "127.0.0.1:7", s, factory.Socket{})
	require.NoError(t, err)
	s.connect(3)
	assert.Zero(t, s.made)
	assert.Equal(t, int64(3), k.Loop.Figures().AcceptErrors)
	assert.Zero(t, k.Loop.Figures().Connections, "the clients have heard of it")
	assert.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), log.String())
	assert.Contains(t, log.String(), "no space left")
}

// A fullPoller has no room for what was accepted last.
type fullPoller struct {
	*memnet.Kernel
	accepted int
}

func (p *fullPoller) Accept(fd int) (int, net.Addr, syscall.Errno) {
	c, peer, e := p.Kernel.Accept(fd)
	p.accepted = c
	return c, peer, e
}

func (p *fullPoller) Want(fd int, old, now loop.Interest) error {
	if old == loop.None && fd == p.accepted {
		return syscall.ENOSPC
	}
	return p.Kernel.Want(fd, old, now)
}

// A panic in a batch of accepts takes nobody else along, wherever it is.
func TestPanicInAcceptBatch(t *testing.T) {
	s := serve(t)
	n := 0
	s.build = func() protocol.Protocol {
		switch n++; n {
		case 2:
			panic("in BuildProtocol")
		case 3:
			return &panicker{counter{made: &s.made, lost: &s.lost}}
		case 4:
			return nil
		}
		return &counter{made: &s.made, lost: &s.lost}
	}
	s.connect(6)
	f := s.Loop.Figures()
	assert.Equal(t, 4, s.made)
	assert.Equal(t, 1, s.lost, "the one that panicked")
	assert.Equal(t, int64(2), f.Panics)
	assert.Equal(t, int64(2), f.Refused)
}

type panicker struct{ counter }

func (p *panicker) ConnectionMade(t protocol.Transport) {
	*p.made++
	panic("in ConnectionMade")
}

// A panic in a batch of posted calls takes none of the others along.
func TestPanicInPostedCalls(t *testing.T) {
	k := newKernel(t, loop.Config{Logger: slog.New(slog.DiscardHandler)})
	var ran []int
	for i := range 5 {
		require.NoError(t, k.Loop.Call(func() {
			ran = append(ran, i)
			if i == 2 {
				panic("oh")
			}
		}))
	}
	k.Settle()
	assert.Equal(t, []int{0, 1, 2, 3, 4}, ran)
}

// Ports close in any order; those that are left go on.
func TestPortsCloseInAnyOrder(t *testing.T) {
	s := serve(t)
	ports := []factory.Port{s.port}
	for range 99 {
		p, err := s.Loop.Listen("tcp", "127.0.0.1:0", s, factory.Socket{})
		require.NoError(t, err)
		ports = append(ports, p)
	}
	s.Settle()
	r := rand.New(rand.NewPCG(1, 2))
	for len(ports) > 0 {
		i := r.IntN(len(ports))
		require.NoError(t, ports[i].Close())
		ports = slices.Delete(ports, i, i+1)
		require.Equal(t, len(ports), s.Loop.Figures().Ports)
		for _, p := range ports[max(0, len(ports)-3):] {
			made := s.made
			s.Loop.Connect("tcp", p.Addr().String(), factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
			s.Settle()
			require.Equal(t, made+1, s.made)
		}
	}
}

// Closing one of ten thousand ports.
func BenchmarkClosePort(b *testing.B) {
	k := newKernel(b, loop.Config{})
	s := &server{Kernel: k}
	var ports []factory.Port
	b.ReportAllocs()
	for b.Loop() {
		if len(ports) == 0 {
			b.StopTimer()
			for range 10_000 {
				p, err := k.Loop.Listen("tcp", "127.0.0.1:0", s, factory.Socket{})
				require.NoError(b, err)
				ports = append(ports, p)
			}
			k.Settle()
			b.StartTimer()
		}
		_ = ports[len(ports)-1].Close()
		ports = ports[:len(ports)-1]
	}
}

// A factory that closes its own port ends the batch; those who still wait are
// turned away.
func TestFactoryClosesItsPort(t *testing.T) {
	s := serve(t)
	s.build = func() protocol.Protocol {
		assert.NoError(t, s.port.Close())
		assert.NoError(t, s.port.Close(), "twice is no harm")
		return &counter{made: &s.made, lost: &s.lost}
	}
	s.connect(5)
	assert.Equal(t, 1, s.made)
	assert.Equal(t, 0, s.Loop.Figures().Ports)
	_, err := s.Loop.Listen("tcp", "127.0.0.1:7", s, factory.Socket{})
	assert.NoError(t, err, "the address is free")
}

// A slowCloser does something else before it closes.
type slowCloser struct {
	*memnet.Kernel
	before func()
}

func (s *slowCloser) Close(fd int, reset bool) {
	s.before()
	s.Kernel.Close(fd, reset)
}

// Whoever closes a port at the same time as somebody else waits for its end, too: the
// address is free when Close returns.
func TestPortIsClosedWhenEitherCloseReturns(t *testing.T) {
	k := &slowCloser{Kernel: memnet.New(loop.Config{})}
	l := loop.New(k, loop.Config{})
	port, err := l.Listen("tcp", "127.0.0.1:7", &diary{}, factory.Socket{})
	require.NoError(t, err)
	listens := make(chan error, 1)
	k.before = func() {
		go func() {
			assert.NoError(t, port.Close())
			_, err := l.Listen("tcp", "127.0.0.1:7", &diary{}, factory.Socket{})
			listens <- err
		}()
		for range 1000 {
			runtime.Gosched()
		}
	}
	assert.NoError(t, port.Close())
	assert.NoError(t, <-listens)
}

// Who knows that he is on the loop need not have it found out. The port is closed when
// CloseOnLoop returns, whether or not it had got there, and for good.
func TestCloseOnLoop(t *testing.T) {
	onLoop := func(p factory.Port) { p.(interface{ CloseOnLoop() }).CloseOnLoop() }
	s := serve(t)
	s.Settle()
	do(s.Kernel, func() {
		onLoop(s.port)
		onLoop(s.port)
		early, err := s.Loop.Listen("tcp", "127.0.0.1:7", s, factory.Socket{})
		assert.NoError(t, err, "nobody has the address any more")
		onLoop(early)
		onLoop(early)
		_, err = s.Loop.Listen("tcp", "127.0.0.1:7", s, factory.Socket{})
		assert.NoError(t, err)
	})
	s.connect(1)
	assert.Equal(t, 1, s.made)
	assert.Panics(t, func() { onLoop(s.port) }, "this is not on the loop")
}

// An event for a descriptor's previous owner neither connects an attempt nor
// harms it.
func TestStaleEventConnectsNobody(t *testing.T) {
	k := newKernel(t, loop.Config{})
	made, lost := 0, 0
	f := factory.Each(func() protocol.Protocol { return &counter{made: &made, lost: &lost} })
	c := k.Loop.Connect("tcp", "127.0.0.1:7", f, factory.Socket{})
	k.Faults.Pending = true // the connect takes its time
	do(k, func() {})
	fd := k.Attempt()
	require.GreaterOrEqual(t, fd, 0)
	for _, ev := range []loop.Event{loop.In, loop.Out, loop.Err, loop.In | loop.Out | loop.Err} {
		k.Loop.Event(fd, ev)
	}
	assert.Zero(t, made)
	do(k, c.Stop)
	assert.Zero(t, k.Loop.Figures().Timers)
}

// Patience is counted from when the peer got stuck, not from when the reactor
// began: one that is older than its time limits aborts nobody early.
func TestOldReactorIsPatient(t *testing.T) {
	k := newKernel(t, loop.Config{})
	addr := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}
	fd, end := k.Pair(addr, addr)
	var tr protocol.Transport
	var reason error
	p := &hooks{made: func(t protocol.Transport) { tr = t }, lost: func(err error) { reason = err }}
	require.NoError(t, k.Loop.Adopt(fd, addr, factory.Each(func() protocol.Protocol { return p }), factory.Socket{}, nil))
	k.Advance(24 * time.Hour)
	end.Room(10)
	// Posted, so that the queue is not empty when it is first sent.
	do(k, func() { tr.Write(make([]byte, 100)); tr.Write(make([]byte, 100)) })
	k.Advance(time.Minute)
	assert.NoError(t, reason)
	end.Read() // ten bytes: progress
	k.Advance(119 * time.Second)
	assert.NoError(t, reason)
	do(k, tr.LoseConnection)
	k.Advance(time.Second)
	assert.ErrorIs(t, reason, protocol.ErrSlowPeer)
}

// hooks is a protocol made of functions.
type hooks struct {
	made func(t protocol.Transport)
	data func(data []byte)
	lost func(reason error)
}

func (h *hooks) ConnectionMade(t protocol.Transport) { h.made(t) }
func (h *hooks) ConnectionLost(reason error)         { h.lost(reason) }

func (h *hooks) DataReceived(data []byte) {
	if h.data != nil {
		h.data(data)
	}
}
