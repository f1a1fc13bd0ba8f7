package loop_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

type noted struct {
	protocol.Base
	log    []string
	onMade func()
	onData func([]byte)
	onLost func(error)
	reason error
}

func (p *noted) ConnectionMade(protocol.Transport) {
	if p.onMade != nil {
		p.onMade()
	}
}
func (p *noted) DataReceived(b []byte) {
	p.log = append(p.log, "data "+string(b))
	if p.onData != nil {
		p.onData(b)
	}
}
func (p *noted) ConnectionLost(err error) {
	p.reason = err
	p.log = append(p.log, "lost")
	if p.onLost != nil {
		p.onLost(err)
	}
}

var anAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}

func adopted(t *testing.T, k *memnet.Kernel, p protocol.Protocol, s factory.Socket, head []byte) *memnet.End {
	fd, end := k.Pair(anAddr, anAddr)
	require.NoError(t, k.Loop.Adopt(fd, anAddr, factory.Each(func() protocol.Protocol { return p }), s, head))
	return end
}

// A goroutine may abort a connection whose close hangs.
func TestRemoteAbortEndsAClose(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	end := adopted(t, k, p, factory.Socket{}, nil)
	end.Room(0)
	k.Settle()
	var r *protocol.Remote
	do(k, func() { r = protocol.NewRemote(p.Transport) })
	_, err := r.Write([]byte("x"))
	require.NoError(t, err)
	r.LoseConnection()
	k.Settle()
	assert.NoError(t, p.reason)
	r.Abort()
	k.Settle()
	assert.ErrorIs(t, p.reason, protocol.ErrConnectionAborted)
}

// A negative MaxBacklog is no limit for a Remote either.
func TestRemoteWithoutLimit(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	end := adopted(t, k, p, factory.Socket{MaxBacklog: -1}, nil)
	end.Room(0)
	k.Settle()
	var r *protocol.Remote
	do(k, func() { r = protocol.NewRemote(p.Transport) })
	_, err := r.Write([]byte("x"))
	require.NoError(t, err)
	_, err = r.Write([]byte("x"))
	assert.NoError(t, err)
}

// What a Remote has accepted does not end the connection, whatever the protocol had queued.
func TestRemoteWriteOfAnySize(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	end := adopted(t, k, p, factory.Socket{}, nil)
	end.Room(0)
	k.Settle()
	var r *protocol.Remote
	do(k, func() { r = protocol.NewRemote(p.Transport) })
	p.onData = func([]byte) { p.Write([]byte("own")) }
	end.Write([]byte("q"))
	k.Settle()
	_, err := r.Write(make([]byte, 2<<20))
	require.NoError(t, err)
	k.Settle()
	assert.NoError(t, p.reason, "Write answered nil, and then killed the connection")
}

// The head of an adopted connection comes first, also when the connection breaks at once.
func TestHeadComesBeforeLastWords(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	p.onMade = func() { p.Write(make([]byte, 20000)) }
	end := adopted(t, k, p, factory.Socket{}, []byte("head"))
	end.Write([]byte("tail"))
	end.Reset()
	k.Settle()
	assert.Equal(t, []string{"data head", "data tail", "lost"}, p.log)
}

type pacedNoted struct{ *noted }

func (p pacedNoted) Shutdown()      { p.log = append(p.log, "shutdown") }
func (p pacedNoted) PauseWriting()  { p.log = append(p.log, "pause") }
func (p pacedNoted) ResumeWriting() { p.log = append(p.log, "resume") }

// After LoseConnection no event comes but the last.
func TestNoEventAfterLoseConnection(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	p.onMade = func() { p.Write(make([]byte, 1<<20)); p.LoseConnection() }
	end := adopted(t, k, pacedNoted{p}, factory.Socket{}, nil)
	end.Room(0)
	k.Settle()
	k.Loop.Stop()
	k.Settle()
	end.Room(1 << 30)
	k.Settle()
	end.Reset()
	k.Settle()
	assert.Equal(t, []string{"lost"}, p.log)
}

// LocalAddr is valid in ConnectionLost, a client's too.
func TestLocalAddrStaysValid(t *testing.T) {
	k := newKernel(t, loop.Config{})
	_, err := k.Loop.Listen("tcp", "127.0.0.1:7000", factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
	require.NoError(t, err)
	p := &noted{}
	var a net.Addr = anAddr
	p.onLost = func(error) { a = p.LocalAddr() }
	k.Loop.Connect("tcp", "127.0.0.1:7000", factory.Each(func() protocol.Protocol { return p }), factory.Socket{})
	k.Settle()
	do(k, func() { p.LoseConnection() })
	k.Advance(time.Minute)
	require.Error(t, p.reason)
	assert.NotNil(t, a)
}

// Where the port has an address it is that of its connections, at no cost; where it
// has a wildcard, each has its own, and those that are the same are kept once.
func TestLocalAddrIsThePorts(t *testing.T) {
	k := newKernel(t, loop.Config{})
	served := &noted{}
	port, err := k.Loop.Listen("tcp", "127.0.0.1:7000", factory.Each(func() protocol.Protocol { return served }), factory.Socket{})
	require.NoError(t, err)
	k.Loop.Connect("tcp", "127.0.0.1:7000", factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
	k.Settle()
	do(k, func() {
		assert.Same(t, port.Addr(), served.LocalAddr())
		assert.Zero(t, testing.AllocsPerRun(10, func() { served.LocalAddr() }))
	})
	var all []*noted
	_, err = k.Loop.Listen("tcp", "0.0.0.0:7001", factory.Each(func() protocol.Protocol {
		all = append(all, &noted{})
		return all[len(all)-1]
	}), factory.Socket{})
	require.NoError(t, err)
	for _, to := range []string{"127.0.0.1:7001", "127.0.0.1:7001", "127.0.0.2:7001"} {
		k.Loop.Connect("tcp", to, factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
		k.Settle()
	}
	do(k, func() {
		assert.Equal(t, "127.0.0.1:7001", all[0].LocalAddr().String())
		assert.Same(t, all[0].LocalAddr(), all[1].LocalAddr())
		assert.Equal(t, "127.0.0.2:7001", all[2].LocalAddr().String())
	})
}

type notedProducer struct{ log []string }

func (p *notedProducer) ResumeProducing() { p.log = append(p.log, "resume") }
func (p *notedProducer) PauseProducing()  { p.log = append(p.log, "pause") }
func (p *notedProducer) StopProducing()   { p.log = append(p.log, "stop") }

// A producer that follows one that was paused is paused.
func TestSecondProducerIsPaused(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	end := adopted(t, k, p, factory.Socket{}, nil)
	end.Room(0)
	k.Settle()
	one, two := &notedProducer{}, &notedProducer{}
	do(k, func() {
		require.NoError(t, p.Transport.(protocol.ProducerRegistry).RegisterProducer(one, true))
		p.Write(make([]byte, 300<<10))
	})
	assert.Equal(t, []string{"pause"}, one.log)
	do(k, func() {
		p.Transport.(protocol.ProducerRegistry).UnregisterProducer()
		require.NoError(t, p.Transport.(protocol.ProducerRegistry).RegisterProducer(two, true))
		p.Write(make([]byte, 300<<10))
	})
	assert.Equal(t, []string{"pause"}, two.log, "unregistered while paused, the next is not paused")
}

// A producer that is registered while the output is full is what is paused from then on.
func TestProducerTakesOverThePause(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	end := adopted(t, k, p, factory.Socket{}, nil)
	end.Room(0)
	k.Settle()
	one := &notedProducer{}
	do(k, func() {
		p.Write(make([]byte, 300<<10))
		require.NoError(t, p.Transport.(protocol.ProducerRegistry).RegisterProducer(one, true))
		p.Write(make([]byte, 300<<10))
	})
	assert.Equal(t, []string{"pause"}, one.log)
}

// When a producer leaves the output full, reading stops again.
func TestPauseReturnsAfterTheProducer(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	end := adopted(t, k, p, factory.Socket{}, nil)
	end.Room(0)
	k.Settle()
	do(k, func() {
		require.NoError(t, p.Transport.(protocol.ProducerRegistry).RegisterProducer(&notedProducer{}, true))
		p.Write(make([]byte, 300<<10))
		p.Transport.(protocol.ProducerRegistry).UnregisterProducer()
	})
	p.onData = func(b []byte) { p.Write(b) }
	most := 0
	for range 100 {
		end.Write(make([]byte, 60<<10))
		k.Settle()
		do(k, func() { most = max(most, p.Buffered()) })
	}
	assert.Less(t, most, 600<<10)
}

// A Drained that always asks for the next holds up nobody.
func TestDrainedChainLetsOthersRun(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	adopted(t, k, p, factory.Socket{}, nil)
	k.Settle()
	n, at := 0, -1
	var next func(error)
	next = func(error) {
		if n++; n < 100_000 {
			p.Write([]byte("x"))
			p.Transport.(protocol.Notifier).Drained(next)
		}
	}
	_ = k.Loop.Call(func() { next(nil) })
	_ = k.Loop.Call(func() { at = n })
	k.Settle()
	assert.Less(t, at, 1000)
}

// Work that was accepted runs, also in the last moment of a stop.
func TestAcceptedWorkRuns(t *testing.T) {
	for range 200 {
		k := memnet.New(loop.Config{Watchdog: -1})
		leave, _ := k.Loop.Start()
		var err error
		ran := make(chan bool, 1)
		k.Loop.Stop()
		_ = k.Loop.Call(func() { err = k.Loop.Work(func() { ran <- true }) })
		k.Settle()
		leave()
		if !k.Loop.Finished() {
			continue
		}
		if err == nil {
			select {
			case <-ran:
			case <-time.After(time.Minute):
				t.Fatal("Work answered nil and the job never ran")
			}
		}
	}
}

// A Drained that is asked in the last calls of all is answered.
func TestDrainedInTheLastCalls(t *testing.T) {
	k := newKernel(t, loop.Config{DrainTimeout: -1})
	p := &noted{}
	adopted(t, k, p, factory.Socket{}, nil)
	k.Settle()
	var r *protocol.Remote
	do(k, func() { r = protocol.NewRemote(p.Transport) })
	flushed := make(chan error, 1)
	p.onLost = func(error) {
		asked := k.Loop.Figures().Calls
		go func() { flushed <- r.Flush(context.Background()) }()
		for k.Loop.Figures().Calls == asked { // it is one of the last calls
			runtime.Gosched()
		}
	}
	k.Loop.Stop()
	k.Loop.Stop()
	k.Settle()
	require.True(t, k.Loop.Finished())
	select {
	case err := <-flushed:
		assert.Error(t, err)
	case <-time.After(time.Minute):
		t.Fatal("Flush waits for ever")
	}
}

// A test's EOF comes behind what the protocol has not read yet.
func TestEOFFollowsTheInput(t *testing.T) {
	n := 0
	p := &noted{}
	p.onMade = func() { p.PauseReading() }
	p.onData = func(b []byte) { n += len(b) }
	tr := protocoltest.Connect(p)
	tr.Receive(string(make([]byte, 100<<10)))
	tr.EOF()
	tr.Do(func() { p.ResumeReading() })
	assert.Equal(t, 100<<10, n)
}

type brokenPoller struct{ *memnet.Kernel }

func (brokenPoller) Want(int, loop.Interest, loop.Interest) error { return syscall.ENOSPC }

type notedWatcher struct {
	factory.Factory
	failed []error
}

func (w *notedWatcher) Inner() any                                 { return w.Factory }
func (w *notedWatcher) Connecting(factory.Connector)               {}
func (w *notedWatcher) ConnectFailed(_ factory.Connector, e error) { w.failed = append(w.failed, e) }
func (w *notedWatcher) Disconnected(factory.Connector, error)      {}

// A client whose socket the poller refuses has failed, and leaves nothing.
func TestPollerRefusesADescriptor(t *testing.T) {
	k := memnet.New(loop.Config{})
	l := loop.New(brokenPoller{k}, loop.Config{Watchdog: -1})
	leave, _ := l.Start()
	defer leave()
	w := &notedWatcher{Factory: factory.Each(func() protocol.Protocol { return &noted{} })}
	l.Connect("tcp", "127.0.0.1:1", w, factory.Socket{})
	l.Bell()
	assert.Zero(t, l.Figures().Panics)
	assert.Len(t, w.failed, 1)
}

type notedStarter struct {
	factory.Factory
	start func() error
}

func (s *notedStarter) StartFactory() error { return s.start() }
func (s *notedStarter) StopFactory()        {}

// A factory may listen with another while it is started.
func TestStartFactoryMayListen(t *testing.T) {
	k := newKernel(t, loop.Config{})
	f := factory.Each(func() protocol.Protocol { return &noted{} })
	inner := &notedStarter{f, func() error { return nil }}
	outer := &notedStarter{f, func() error {
		_, err := k.Loop.Listen("tcp", "127.0.0.1:7002", inner, factory.Socket{})
		return err
	}}
	done := make(chan error, 1)
	go func() {
		_, err := k.Loop.Listen("tcp", "127.0.0.1:7001", outer, factory.Socket{})
		done <- err
	}()
	select {
	case err := <-done:
		assert.NoError(t, err)
	case <-time.After(time.Second):
		t.Fatal("a StartFactory that listens deadlocks")
	}
}

type valueStarter struct{ factory.Factory }

func (valueStarter) StartFactory() error { return nil }
func (valueStarter) StopFactory()        {}

// A Starter that cannot be compared is started and stopped for each use.
func TestUnhashableStarter(t *testing.T) {
	k := newKernel(t, loop.Config{})
	assert.NotPanics(t, func() {
		_, err := k.Loop.Listen("tcp", "127.0.0.1:7001", valueStarter{factory.Each(func() protocol.Protocol { return &noted{} })}, factory.Socket{})
		assert.NoError(t, err)
	})
}

type watchedStarter struct {
	*notedWatcher
	*notedStarter
}

func (watchedStarter) BuildProtocol(net.Addr) protocol.Protocol { return nil }

// A panic in StartFactory is the failure of the attempt.
func TestStartFactoryPanics(t *testing.T) {
	k := newKernel(t, loop.Config{})
	w := &notedWatcher{}
	f := watchedStarter{w, &notedStarter{nil, func() error { panic("start") }}}
	k.Loop.Connect("tcp", "127.0.0.1:1", &f, factory.Socket{})
	k.Settle()
	assert.Len(t, w.failed, 1)
}

// A factory that is used no more is not kept.
func TestStarterIsForgotten(t *testing.T) {
	k := newKernel(t, loop.Config{})
	gone := make(chan bool, 50)
	for range 50 {
		f := &notedStarter{factory.Each(func() protocol.Protocol { return &noted{} }), func() error { return nil }}
		runtime.SetFinalizer(f, func(*notedStarter) { gone <- true })
		p, err := k.Loop.Listen("tcp", "127.0.0.1:0", f, factory.Socket{})
		require.NoError(t, err)
		k.Settle()
		do(k, func() { p.Close() })
	}
	assert.Eventually(t, func() bool { runtime.GC(); return len(gone) > 40 }, time.Minute, time.Millisecond)
}

// Stop of a Connector that is connected ends reconnecting.
func TestStopEndsReconnecting(t *testing.T) {
	k := newKernel(t, loop.Config{})
	_, err := k.Loop.Listen("tcp", "127.0.0.1:7000", factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
	require.NoError(t, err)
	made := 0
	f := factory.Each(func() protocol.Protocol { made++; return &noted{} })
	again := &factory.Reconnecting{Clock: k.Loop}
	c := k.Loop.Connect("tcp", "127.0.0.1:7000", again.Around(f), factory.Socket{})
	k.Settle()
	require.Equal(t, 1, made)
	c.Stop()
	k.Advance(time.Hour)
	assert.Equal(t, 1, made, "Stop, and it connects again")
}

// So does Stop while the next attempt is waited for.
func TestStopWhileReconnectingWaits(t *testing.T) {
	k := newKernel(t, loop.Config{})
	w := &notedWatcher{Factory: factory.Each(func() protocol.Protocol { return &noted{} })}
	again := &factory.Reconnecting{Clock: k.Loop}
	c := k.Loop.Connect("tcp", "127.0.0.1:7000", again.Around(w), factory.Socket{})
	k.Settle()
	require.Len(t, w.failed, 1)
	c.Stop()
	k.Advance(time.Hour)
	assert.Len(t, w.failed, 1)
}

var _ = bytes.Repeat
var _ = errors.New
