package netconn_test

import (
	"io"
	"net"
	"strings"
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

// What a Transport hears of a reset, Read and Write say.
func TestResetIsTold(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		p := &probe{}
		c := against(t, r, p)
		on(t, r, func() { p.Write([]byte("last words")) })
		_, err := io.ReadFull(c, make([]byte, 10))
		require.NoError(t, err)
		on(t, r, func() { p.Abort() })
		err = read(c)()
		require.True(t, protocol.IsReset(err), "%v", err)
		requireOp(t, err, "read", err)
		err = write(c)()
		require.True(t, protocol.IsReset(err), "%v", err)
		requireOp(t, err, "write", err)
	})
}

// A Write that waits hears of the reset.
func TestResetWakesWriter(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		p := &probe{made: func(tr protocol.Transport) { tr.PauseReading() }}
		c := against(t, r, p)
		written := async(write(c))
		on(t, r, func() { p.Abort() })
		err := wait(t, written)
		require.True(t, protocol.IsReset(err), "%v", err)
	})
}

// What came before the end can be read after it.
func TestInputOutlivesTheConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		p := &probe{}
		c := against(t, m, p)
		on(t, m, func() { p.Write([]byte("last words")) })
		synctest.Wait()
		on(t, m, func() { p.Abort() })
		synctest.Wait()
		got, err := io.ReadAll(c)
		assert.True(t, protocol.IsReset(err), "%v", err)
		assert.Equal(t, "last words", string(got))
	})
}

// A policy's reason is what Read and Write say.
func TestReasonOfAPolicyIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		l := listen(t, m, factory.Idle{Timeout: time.Minute}.Around)
		dial(t, m, l.Addr())
		c, err := l.Accept()
		require.NoError(t, err)
		waiting := async(read(c))
		m.Advance(2 * time.Minute)
		requireOp(t, wait(t, waiting), "read", factory.ErrIdle)
		requireOp(t, write(c)(), "write", factory.ErrIdle)
		require.NoError(t, c.Close())
	})
}

// That is so for who writes while the policy closes too, in the end.
func TestReasonOfAPolicyIsToldWhoWrites(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		l := listen(t, m, factory.Idle{Timeout: time.Minute}.Around)
		dial(t, m, l.Addr()) // does not close, so the connection lingers
		c, err := l.Accept()
		require.NoError(t, err)
		m.Advance(time.Minute)
		for err = write(c)(); err == nil; err = write(c)() {
		}
		requireOp(t, err, "write", net.ErrClosed)
		m.Advance(time.Minute)
		synctest.Wait()
		requireOp(t, write(c)(), "write", factory.ErrIdle)
	})
}

// Where a policy closes without a reason, that is no end of the stream: bytes may
// be missing.
func TestCloseByAPolicyIsNoEOF(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		var below protocol.Transport
		l := listen(t, m, func(f factory.Factory) factory.Factory {
			return factory.Func(func(peer net.Addr) protocol.Protocol {
				return &spy{f.BuildProtocol(peer), func(t protocol.Transport) { below = t }}
			})
		})
		theirs := dial(t, m, l.Addr())
		c, err := l.Accept()
		require.NoError(t, err)
		waiting := async(read(c))
		on(t, m, func() { below.LoseConnection() })
		assert.Equal(t, io.EOF, read(theirs)())
		synctest.Wait()
		for err := write(c)(); err == nil; err = write(c)() {
		}
		requireOp(t, write(c)(), "write", net.ErrClosed)
		require.NoError(t, theirs.Close())
		requireOp(t, wait(t, waiting), "read", net.ErrClosed)
	})
}

// A spy is a policy that tells of its transport.
type spy struct {
	protocol.Protocol
	made func(t protocol.Transport)
}

func (s *spy) Inner() any { return s.Protocol }

func (s *spy) ConnectionMade(t protocol.Transport) {
	s.made(t)
	protocol.Connect(s.Protocol, t)
}

// Stop delivers what was written, and tells everybody who waits why that is all.
func TestStopIsTold(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		heard := make(chan string, 1)
		var got strings.Builder
		p := probe{data: func(data []byte) { got.Write(data) }, lost: func(error) { heard <- got.String() }}
		c := against(t, r, &staying{p})
		l := listen(t, r)
		accepting := async(func() error { _, err := l.Accept(); return err })
		reading := async(read(c))
		stuck := against(t, r, &probe{made: func(tr protocol.Transport) { tr.PauseReading() }})
		writing := async(write(stuck))
		_, err := io.WriteString(c, "goodbye")
		require.NoError(t, err)
		r.Stop()
		requireOp(t, wait(t, accepting), "accept", net.ErrClosed)
		requireOp(t, wait(t, reading), "read", protocol.ErrShutdown)
		requireOp(t, wait(t, writing), "write", protocol.ErrShutdown)
		requireOp(t, write(c)(), "write", protocol.ErrShutdown)
		assert.Equal(t, "goodbye", wait(t, heard))
		require.NoError(t, c.Close())
		require.NoError(t, stuck.Close())
		_, err = netconn.Listen(r, "tcp", "127.0.0.1:0")
		assert.ErrorIs(t, err, protocol.ErrStopped)
		_, err = netconn.Dialer{Network: r}.Dial("tcp", "127.0.0.1:1")
		requireOp(t, err, "dial", protocol.ErrStopped)
	})
}

// A staying probe leaves the end to its peer.
type staying struct{ probe }

func (*staying) Shutdown() {}
