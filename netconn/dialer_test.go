package netconn_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

// Why there is no connection is what Dial answers.
func TestDialSaysWhatIsWrong(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		l := listen(t, r)
		nobody := l.Addr().String()
		require.NoError(t, l.Close())
		_, err := netconn.Dialer{Network: r}.Dial("tcp", nobody)
		requireOp(t, err, "dial", syscall.ECONNREFUSED)
		assert.Contains(t, err.Error(), nobody)
		for network, addr := range map[string]string{"udp": nobody, "tcp": "127.0.0.1", "tcp4": "127.0.0.1:nothing"} {
			_, err := netconn.Dialer{Network: r}.Dial(network, addr)
			requireOp(t, err, "dial", err)
		}
	})
}

// A shaker is a layer whose handshake fails, or never ends if failed is nil.
type shaker struct {
	probe
	failed error
}

func (s *shaker) ConnectionMade(t protocol.Transport) {
	if n, ok := protocol.As[protocol.Notifier](t); ok && s.failed != nil {
		n.SetReason(s.failed)
		t.Abort()
	}
}

// A wrapper is a factory around a factory.
type wrapper struct {
	factory.Factory
	build  func() protocol.Protocol // instead of the factory, unless nil
	unused chan struct{}            // closed when nobody uses it any more
}

func (w *wrapper) Inner() any { return w.Factory }

func (w *wrapper) BuildProtocol(peer net.Addr) protocol.Protocol {
	if w.build != nil {
		return w.build()
	}
	return w.Factory.BuildProtocol(peer)
}

func (w *wrapper) StartFactory() error { return nil }

func (w *wrapper) StopFactory() { close(w.unused) }

// through returns a Dialer with a wrapper.
func through(n factory.Network, build func() protocol.Protocol) (netconn.Dialer, *wrapper) {
	w := &wrapper{build: build, unused: make(chan struct{})}
	wrap := func(f factory.Factory) factory.Factory {
		w.Factory = f
		return w
	}
	return netconn.Dialer{Network: n, Wrap: wrap}, w
}

// A layer that refuses, or has no success with its handshake, fails Dial. Nothing
// is left of the attempt.
func TestLayerFailsDial(t *testing.T) {
	bad := errors.New("bad certificate")
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		l := listen(t, r)
		for want, build := range map[error]func() protocol.Protocol{
			bad:                 func() protocol.Protocol { return &shaker{failed: bad} },
			protocol.ErrRefused: func() protocol.Protocol { return nil },
		} {
			d, w := through(r, build)
			_, err := d.Dial("tcp", l.Addr().String())
			requireOp(t, err, "dial", want)
			assert.Contains(t, err.Error(), l.Addr().String())
			wait(t, w.unused)
		}
	})
}

// An attempt ends with its context, also when a layer is at work.
func TestDialEndsWithContext(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		l := listen(t, m)
		d, w := through(m, func() protocol.Protocol { return &shaker{} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := d.DialContext(ctx, "tcp", l.Addr().String())
		requireOp(t, err, "dial", context.DeadlineExceeded)
		assert.True(t, err.(net.Error).Timeout())
		assert.Contains(t, err.Error(), l.Addr().String())
		theirs, err := l.Accept()
		require.NoError(t, err)
		assert.Equal(t, io.EOF, read(theirs)())
		require.NoError(t, theirs.Close())
		wait(t, w.unused)
	})
}

// When a connection has ended, nothing is left of the attempt that made it; while
// it lasts, its context has no say.
func TestConnectionOutlivesItsContext(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		l := listen(t, r)
		d, w := through(r, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ours, err := d.DialContext(ctx, "tcp", l.Addr().String())
		require.NoError(t, err)
		cancel()
		theirs, err := l.Accept()
		require.NoError(t, err)
		_, err = io.WriteString(ours, "x")
		require.NoError(t, err)
		require.NoError(t, read(theirs)())
		require.NoError(t, ours.Close())
		require.NoError(t, theirs.Close())
		wait(t, w.unused)
	})
}

// A reactor that is stopped during the attempt ends it.
func TestStopEndsDial(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		l := listen(t, m)
		d, w := through(m, func() protocol.Protocol { return &shaker{} })
		dialling := async(func() error { _, err := d.Dial("tcp", l.Addr().String()); return err })
		synctest.Wait()
		m.Stop()
		requireOp(t, wait(t, dialling), "dial", protocol.ErrShutdown)
		wait(t, w.unused)
	})
}

// A reactor that does not run is not waited for without end.
func TestDialNeedsARunningReactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := reactortest.NewMemory(reactortest.Config{})
		for timeout, want := range map[time.Duration]time.Duration{0: 30 * time.Second, time.Minute: time.Minute} {
			began := time.Now()
			_, err := netconn.Dialer{Network: m, Socket: factory.Socket{Timeout: timeout}}.Dial("tcp", "127.0.0.1:1")
			requireOp(t, err, "dial", os.ErrDeadlineExceeded)
			assert.ErrorContains(t, err, "does not run")
			assert.Equal(t, want, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := netconn.Dialer{Network: m, Socket: factory.Socket{Timeout: -1}}.DialContext(ctx, "tcp", "127.0.0.1:1")
		requireOp(t, err, "dial", context.DeadlineExceeded)
	})
}

// A Dialer without a Network says so.
func TestDialerNeedsANetwork(t *testing.T) {
	assert.PanicsWithValue(t, "netconn: a Dialer needs a Network, which a reactor is", func() {
		_, _ = netconn.Dialer{}.Dial("tcp", "127.0.0.1:1")
	})
}
