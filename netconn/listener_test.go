package netconn_test

import (
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

func accept(l net.Listener) func() error {
	return func() error { _, err := l.Accept(); return err }
}

// No more than Backlog connections wait for Accept. Others are closed, and counted.
func TestBacklogIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		l := &netconn.Listener{Backlog: 2}
		var err error
		l.Port, err = m.Listen("tcp", "127.0.0.1:0", l)
		require.NoError(t, err)
		defer l.Close()
		var all []net.Conn
		for range 5 {
			all = append(all, dial(t, m, l.Addr()))
		}
		for _, c := range all[2:] {
			assert.Equal(t, io.EOF, read(c)())
		}
		assert.Equal(t, 3, l.Refused())
		for _, c := range all[:2] {
			theirs, err := l.Accept()
			require.NoError(t, err)
			assert.Equal(t, c.LocalAddr().String(), theirs.RemoteAddr().String(), "who came first")
			require.NoError(t, theirs.Close())
		}
		dial(t, m, l.Addr())
		require.NoError(t, accept(l)())
		assert.Equal(t, 3, l.Refused())
	})
}

// Close wakes who waits in Accept, and ends the connections that nobody has
// accepted, but no others.
func TestListenerCloseEndsWhoWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		l := listen(t, m)
		ours := dial(t, m, l.Addr())
		theirs, err := l.Accept()
		require.NoError(t, err)
		accepting := []<-chan error{async(accept(l)), async(accept(l))}
		other := listen(t, m)
		waiting := dial(t, m, other.Addr())
		synctest.Wait()

		require.NoError(t, l.Close())
		for _, err := range accepting {
			requireOp(t, wait(t, err), "accept", net.ErrClosed)
		}
		requireOp(t, accept(l)(), "accept", net.ErrClosed)
		requireOp(t, l.Close(), "close", net.ErrClosed)
		require.NoError(t, other.Close())
		assert.True(t, protocol.IsReset(read(waiting)()))
		_, err = netconn.Dialer{Network: m}.Dial("tcp", l.Addr().String())
		assert.ErrorContains(t, err, "refused", "the port is closed")

		_, err = io.WriteString(ours, "x")
		require.NoError(t, err)
		require.NoError(t, read(theirs)())
	})
}

// A Listener whose ports have all been closed by others is closed, and cannot be
// used again.
func TestListenerEndsWithItsLastPort(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		l := &netconn.Listener{}
		assert.NotPanics(t, func() { _ = l.Addr().String() }, "it has none yet")
		one, err := m.Listen("tcp", "127.0.0.1:0", l)
		require.NoError(t, err)
		two, err := m.Listen("unix", "/two", l)
		require.NoError(t, err)
		dial(t, m, one.Addr())
		dial(t, m, two.Addr())
		require.NoError(t, accept(l)())
		require.NoError(t, accept(l)())
		accepting := async(accept(l))
		require.NoError(t, one.Close())
		synctest.Wait()
		require.Empty(t, accepting)
		require.NoError(t, two.Close())
		requireOp(t, wait(t, accepting), "accept", net.ErrClosed)
		_, err = m.Listen("tcp", "127.0.0.1:0", l)
		assert.ErrorIs(t, err, net.ErrClosed)
		requireOp(t, l.Close(), "close", net.ErrClosed)
	})
}

// Connections keep their places in the policies around a Listener for as long as
// they last.
func TestListenerBehindLimit(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		limit := factory.Limit{Total: 1}
		l := listen(t, m, limit.Around)
		first := dial(t, m, l.Addr())
		served, err := l.Accept()
		require.NoError(t, err)
		assert.Equal(t, io.EOF, read(dial(t, m, l.Addr()))())
		require.NoError(t, first.Close())
		require.NoError(t, served.Close())
		synctest.Wait()
		dial(t, m, l.Addr())
		require.NoError(t, accept(l)())
		assert.Zero(t, l.Refused(), "that was the limit's doing")
	})
}

// The first wrap is the outermost.
func TestWrapsStandInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		var order []string
		named := func(name string) func(factory.Factory) factory.Factory {
			return func(f factory.Factory) factory.Factory {
				return factory.Func(func(peer net.Addr) protocol.Protocol {
					order = append(order, name)
					return f.BuildProtocol(peer)
				})
			}
		}
		l := listen(t, m, named("limit"), named("idle"), named("tls"))
		dial(t, m, l.Addr())
		require.NoError(t, accept(l)())
		assert.Equal(t, []string{"limit", "idle", "tls"}, order)
	})
}

// A mistake in the address is Listen's error.
func TestListenSaysWhatIsWrong(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		l := listen(t, r)
		for _, addr := range []string{l.Addr().String(), "127.0.0.1", "127.0.0.1:nothing"} {
			_, err := netconn.Listen(r, "tcp", addr)
			var e *net.OpError
			require.ErrorAs(t, err, &e)
		}
	})
}
