package reactor_test

import (
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// Ten thousand connections, opened and closed, leave descriptors, goroutines and
// heap where they were.
func TestConnectionsLeaveNothing(t *testing.T) {
	r := start(t, reactor.Config{})
	lost := make(chan error, 1024)
	p := listen(t, r, serving(probe{data: echo, lost: func(err error) { lost <- err }}))
	round := func(n int) {
		var g sync.WaitGroup
		for range 8 {
			g.Go(func() {
				for range n / 8 {
					c, err := net.Dial("tcp", p.Addr().String())
					if !assert.NoError(t, err) {
						return
					}
					var buf [1]byte
					_, _ = c.Write(buf[:])
					_, err = io.ReadFull(c, buf[:])
					assert.NoError(t, err)
					_ = c.Close()
				}
			})
		}
		for range n / 8 * 8 {
			assert.ErrorIs(t, wait(t, lost), protocol.ErrConnectionDone)
		}
		g.Wait()
		assert.Zero(t, r.Stats().Connections)
	}
	round(1000)
	fds, goroutines, bytes := descriptors(t), runtime.NumGoroutine(), hosttest.Heap()
	n := 10000
	if testing.Short() {
		n = 2000
	}
	round(n)
	assert.LessOrEqual(t, descriptors(t), fds) // earlier tests' may go meanwhile
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines+1)
	assert.Less(t, hosttest.Heap()-bytes, 256<<10)
	assert.Zero(t, r.Stats().Timers)
}

// A client that sends 64 MiB to an echo server and reads nothing costs it less
// than 2 MiB: reading stops when the answers are not taken.
func TestEchoToNonReaderIsBounded(t *testing.T) {
	r := start(t, reactor.Config{})
	full := make(chan int, 1)
	p := listen(t, r, serving(probe{data: func(tr protocol.Transport, data []byte) {
		tr.Write(data)
		if !tr.Reading() {
			select {
			case full <- tr.Buffered():
			default:
			}
		}
	}}))
	c := dial(t, p.Addr())
	before := hosttest.Heap()
	go io.Copy(c, io.LimitReader(strings.NewReader(strings.Repeat("x", 64<<20)), 64<<20))
	queued := wait(t, full)
	assert.Less(t, queued, 1<<20)
	assert.Less(t, hosttest.Heap()-before-64<<20, 2<<20, "beyond the client's own 64 MiB")
	assert.Less(t, on(t, r, func() int64 { return r.Stats().BytesRead }), int64(64<<20))
}

// What was written before LoseConnection arrives whole, also at a reader who
// takes his time and goes on sending himself.
func TestCloseDeliversToSlowReader(t *testing.T) {
	r := start(t, reactor.Config{})
	const size = 32 << 20
	lost := make(chan error, 1)
	p := listen(t, r, serving(probe{
		made: func(tr protocol.Transport) {
			tr.Write(make([]byte, size))
			tr.LoseConnection()
		},
		lost: func(err error) { lost <- err },
	}))
	c := dial(t, p.Addr())
	require.NoError(t, c.SetReadBuffer(32<<10))
	go io.Copy(c, neverEnding{}) // until the close
	got, buf := 0, make([]byte, 16<<10)
	for {
		n, err := c.Read(buf)
		got += n
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
	assert.Equal(t, size, got)
	c.Close()
	assert.Error(t, wait(t, lost))
}

// neverEnding reads as x for ever.
type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) { return len(p), nil }
