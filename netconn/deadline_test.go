package netconn_test

import (
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/reactortest"
)

// after runs f and returns how long it took, and its error.
func after(f func() error) (time.Duration, error) {
	began := time.Now()
	err := f()
	return time.Since(began), err
}

// A deadline ends a call that waits for it, to the nanosecond of the bubble's clock.
func TestDeadlineEndsCalls(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		c, _ := pair(t, m)
		for op, call := range map[string]func() error{"read": read(c), "write": write(c)} {
			require.NoError(t, c.SetDeadline(time.Now().Add(time.Hour)))
			took, err := after(call)
			requireOp(t, err, op, os.ErrDeadlineExceeded)
			assert.True(t, err.(net.Error).Timeout())
			assert.Equal(t, time.Hour, took)
			took, err = after(call)
			requireOp(t, err, op, os.ErrDeadlineExceeded)
			assert.Zero(t, took, "it stays past")
		}
	})
}

// A deadline also ends calls that wait already, those that wait for their turn too.
func TestDeadlineEndsCallsThatWait(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		c, _ := pair(t, m)
		waiting := []<-chan error{async(read(c)), async(read(c)), async(write(c)), async(write(c))}
		synctest.Wait()
		require.NoError(t, c.SetDeadline(time.Now().Add(-time.Second)))
		for _, err := range waiting {
			assert.ErrorIs(t, wait(t, err), os.ErrDeadlineExceeded)
		}
	})
}

// Each side has its own.
func TestDeadlinesAreTwo(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		c, theirs := pair(t, m)
		require.NoError(t, c.SetReadDeadline(time.Now()))
		_, err := io.WriteString(c, "hello")
		require.NoError(t, err)
		requireOp(t, read(c)(), "read", os.ErrDeadlineExceeded)
		require.NoError(t, c.SetReadDeadline(time.Time{}))
		require.NoError(t, c.SetWriteDeadline(time.Now()))
		requireOp(t, write(c)(), "write", os.ErrDeadlineExceeded)
		_, err = io.WriteString(theirs, "x")
		require.NoError(t, err)
		require.NoError(t, read(c)())
	})
}

// A deadline that is past comes before bytes that are there, and these come when it
// is past no more.
func TestPastDeadlineComesFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		c, theirs := pair(t, m)
		_, err := io.WriteString(theirs, "x")
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, c.SetDeadline(time.Unix(1, 0)))
		requireOp(t, read(c)(), "read", os.ErrDeadlineExceeded)
		n, err := c.Write([]byte("x"))
		requireOp(t, err, "write", os.ErrDeadlineExceeded)
		assert.Zero(t, n)
		require.NoError(t, c.SetDeadline(time.Time{}))
		require.NoError(t, read(c)())
	})
}

// A deadline that is moved or taken back does not come when it was meant to.
func TestDeadlineMoves(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		c, theirs := pair(t, m)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		began := time.Now()
		reading := async(read(c))
		time.Sleep(time.Minute - 1)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
		assert.ErrorIs(t, <-reading, os.ErrDeadlineExceeded)
		assert.Equal(t, time.Hour+time.Minute-1, time.Since(began))

		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		require.NoError(t, c.SetReadDeadline(time.Time{}))
		reading = async(read(c))
		time.Sleep(time.Hour)
		_, err := io.WriteString(theirs, "x")
		require.NoError(t, err)
		assert.NoError(t, wait(t, reading))
	})
}

// A connection that was closed is garbage, so none of its timers is left.
func TestCloseLeavesNoTimer(t *testing.T) {
	m := memory(t)
	l := listen(t, m)
	var gone atomic.Int32
	for range 10 {
		for _, c := range ends(t, m, l) {
			require.NoError(t, c.SetDeadline(time.Now().Add(time.Hour)))
			reading := async(read(c))
			on(t, m, func() {})
			require.NoError(t, c.Close())
			wait(t, reading)
			netconn.WhenGarbage(c, func() { gone.Add(1) })
		}
	}
	for end := time.Now().Add(patient); gone.Load() < 19; runtime.GC() { // one may be on a stack
		require.True(t, time.Now().Before(end), "%d of 20 are garbage", gone.Load())
	}
}

// ends returns both ends of a connection to l.
func ends(t *testing.T, m *reactortest.Memory, l *netconn.Listener) []net.Conn {
	ours, err := netconn.Dialer{Network: m}.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	theirs, err := l.Accept()
	require.NoError(t, err)
	return []net.Conn{ours, theirs}
}
