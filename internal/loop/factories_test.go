package loop_test

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/protocol"
)

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
