package loop_test

import (
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
