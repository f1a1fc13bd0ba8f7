package netconn_test

import (
	"bytes"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/reactortest"
)

// read and write are calls that end with an error.
func read(c net.Conn) func() error {
	return func() error { _, err := c.Read(make([]byte, 1)); return err }
}

func write(c net.Conn) func() error {
	return func() error { _, err := c.Write(large); return err }
}

// large is more than all buffers on the way take.
var large = make([]byte, 16<<20)

// Close returns at once, and all that was written arrives, megabytes too, before
// the end of the stream.
func TestCloseDeliversAll(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		d := netconn.Dialer{Network: r, Socket: factory.Socket{HighWater: 8 << 20}} // so that the loop takes them
		ours, theirs := joined(t, d, listen(t, r))
		all := bytes.Repeat([]byte("all that was written"), 4<<20/20)
		n, err := ours.Write(all)
		require.NoError(t, err)
		require.Equal(t, len(all), n)
		require.NoError(t, ours.Close())
		got, err := io.ReadAll(theirs)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(all, got), "%d of %d bytes", len(got), len(all))
	})
}

// After CloseWrite the peer reads to the end, and can still answer.
func TestCloseWriteEndsOneSide(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		ours, theirs := pair(t, r)
		half := ours.(interface{ CloseWrite() error })
		_, err := ours.Write(make([]byte, 300<<10))
		require.NoError(t, err)
		require.NoError(t, half.CloseWrite())
		requireOp(t, write(ours)(), "write", net.ErrClosed)
		requireOp(t, half.CloseWrite(), "close", net.ErrClosed)
		question, err := io.ReadAll(theirs)
		require.NoError(t, err)
		assert.Len(t, question, 300<<10)
		_, err = io.WriteString(theirs, "well received")
		require.NoError(t, err)
		require.NoError(t, theirs.Close())
		answer, err := io.ReadAll(ours)
		require.NoError(t, err)
		assert.Equal(t, "well received", string(answer))
		assert.Equal(t, io.EOF, read(ours)(), "the end is for ever")
		require.NoError(t, ours.Close())
		requireOp(t, half.CloseWrite(), "close", net.ErrClosed)
	})
}

// Close wakes whoever waits: a reader, a writer, and one who waits for his turn to
// write. Who comes later finds it closed.
func TestCloseWakes(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		ours, _ := pair(t, m)
		var reading, writing []<-chan error
		for range 3 {
			reading = append(reading, async(read(ours)))
			writing = append(writing, async(write(ours)))
		}
		synctest.Wait()
		require.NoError(t, ours.Close())
		for i := range 3 {
			requireOp(t, wait(t, reading[i]), "read", net.ErrClosed)
			requireOp(t, wait(t, writing[i]), "write", net.ErrClosed)
		}
		requireOp(t, read(ours)(), "read", net.ErrClosed)
		requireOp(t, write(ours)(), "write", net.ErrClosed)
		requireOp(t, ours.Close(), "close", net.ErrClosed)
		requireOp(t, ours.SetDeadline(time.Now()), "set", net.ErrClosed)
	})
}

// Writes at the same time come one after the other, however large they are.
func TestWritesDoNotMix(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		ours, theirs := pair(t, r)
		const writers, size = 10, 200 << 10
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				n, err := ours.Write(bytes.Repeat([]byte{'a' + byte(i)}, size))
				assert.NoError(t, err)
				assert.Equal(t, size, n)
			})
		}
		got := make([]byte, writers*size)
		_, err := io.ReadFull(theirs, got)
		require.NoError(t, err)
		all.Wait()
		for whole := range slices.Chunk(got, size) {
			require.Equal(t, size, bytes.Count(whole, whole[:1]))
		}
	})
}

// Everybody who reads gets a part, and each byte is read once.
func TestReadersShare(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		ours, theirs := pair(t, r)
		const readers = 10
		sums := make(chan int, readers)
		for range readers {
			go func() {
				n, err := io.Copy(io.Discard, struct{ io.Reader }{theirs})
				assert.NoError(t, err)
				sums <- int(n)
			}()
		}
		_, err := ours.Write(make([]byte, 1<<20))
		require.NoError(t, err)
		require.NoError(t, ours.Close())
		total := 0
		for range readers {
			total += wait(t, sums)
		}
		assert.Equal(t, 1<<20, total)
	})
}

// A peer may send about 64 KiB that are not read, and goes on when they are.
func TestWhoDoesNotReadHoldsUpThePeer(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		p := &probe{}
		c := against(t, m, p)
		const size = 1 << 20
		left := func() (n int) { on(t, m, func() { n = p.Buffered() }); return n }
		on(t, m, func() { p.Write(make([]byte, size)) })
		synctest.Wait()
		const window = 64 << 10 // what the network in memory takes
		assert.GreaterOrEqual(t, left(), size-window-128<<10)
		_, err := io.ReadFull(c, make([]byte, size))
		require.NoError(t, err)
		assert.Zero(t, left())
	})
}

// A Write waits when 64 KiB have not got to the loop, and the loop has enough.
func TestWriteWaitsForThePeer(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		ours, theirs := pair(t, m)
		n := 0
		written := async(func() error {
			var err error
			n, err = ours.Write(make([]byte, 1<<20))
			return err
		})
		synctest.Wait()
		require.Empty(t, written)
		require.NoError(t, ours.SetWriteDeadline(time.Now()))
		wait(t, written)
		assert.Less(t, n, 640<<10, "in four buffers, two high-water marks and the network")
		require.NoError(t, ours.Close())
		got, err := io.ReadAll(theirs)
		require.NoError(t, err)
		assert.Len(t, got, n, "what Write has taken arrives")
	})
}

// Nothing of no bytes waits.
func TestNoBytesWaitForNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		c, _ := pair(t, m)
		for _, call := range []func([]byte) (int, error){c.Read, c.Write} {
			n, err := call(nil)
			assert.NoError(t, err)
			assert.Zero(t, n)
		}
	})
}

// Addresses are those of package net.
func TestAddresses(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		ours, theirs := pair(t, r)
		for _, c := range []net.Conn{ours, theirs} {
			assert.IsType(t, &net.TCPAddr{}, c.LocalAddr())
			assert.IsType(t, &net.TCPAddr{}, c.RemoteAddr())
		}
		assert.Equal(t, ours.LocalAddr().String(), theirs.RemoteAddr().String())
		assert.Equal(t, ours.RemoteAddr().String(), theirs.LocalAddr().String())

		l, err := netconn.Listen(r, "unix", t.TempDir()+"/socket")
		require.NoError(t, err)
		defer l.Close()
		ours = dial(t, r, l.Addr())
		theirs, err = l.Accept()
		require.NoError(t, err)
		defer theirs.Close()
		for _, c := range []net.Conn{ours, theirs} {
			assert.IsType(t, &net.UnixAddr{}, c.LocalAddr())
			assert.IsType(t, &net.UnixAddr{}, c.RemoteAddr())
			assert.Equal(t, "unix", c.RemoteAddr().Network())
		}
		assert.Equal(t, l.Addr().String(), ours.RemoteAddr().String())
	})
}

// A call that waits on the loop, which can never get what it waits for, panics.
func TestWaitingOnTheLoopPanics(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		c, _ := pair(t, m)
		l := listen(t, m)
		for what, call := range map[string]func(){
			"Read":   func() { _, _ = c.Read(make([]byte, 1)) },
			"Write":  func() { _, _ = c.Write(make([]byte, 1<<20)) },
			"Accept": func() { _, _ = l.Accept() },
			"Dial":   func() { _, _ = netconn.Dialer{Network: m}.Dial("tcp", l.Addr().String()) },
		} {
			on(t, m, func() { assert.Panics(t, call, what) })
		}
		_, err := c.Write([]byte("x"))
		assert.NoError(t, err, "its turn was passed on")
	})
}

// What need not wait may be called on the loop.
func TestWhatNeedNotWaitMayBeOnTheLoop(t *testing.T) {
	inBubble(t, func(t *testing.T, m *reactortest.Memory) {
		ours, theirs := pair(t, m)
		on(t, m, func() {
			_, err := io.WriteString(ours, "hello")
			assert.NoError(t, err)
		})
		synctest.Wait()
		on(t, m, func() {
			buf := make([]byte, 10)
			n, err := theirs.Read(buf)
			assert.NoError(t, err)
			assert.Equal(t, "hello", string(buf[:n]))
			assert.NoError(t, theirs.Close())
		})
		assert.Equal(t, io.EOF, read(ours)())
	})
}
