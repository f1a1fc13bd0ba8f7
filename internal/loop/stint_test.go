package loop_test

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

const (
	runLength = 10_000                // turns of a run
	turnTime  = 10 * time.Microsecond // that each of them takes
)

// A slow run is one in whose midst a peer sends something.
type slowRun struct {
	*memnet.Kernel
	end   *memnet.End
	ran   []int
	heard int // turns that had run when it was received
}

func newSlowRun(t *testing.T) *slowRun {
	r := &slowRun{Kernel: newKernel(t, loop.Config{})}
	p := &noted{onData: func([]byte) { r.heard = len(r.ran) }}
	r.end = adopted(t, r.Kernel, p, factory.Socket{}, nil)
	r.Settle()
	return r
}

// turn is one of the run.
func (r *slowRun) turn(i int) {
	if len(r.ran) == 0 {
		r.end.Write([]byte("x"))
	}
	r.ran = append(r.ran, i)
	r.Pass(turnTime)
}

// check says that the peer was not held up, that each had its turn, and in which order.
func (r *slowRun) check(t *testing.T) { r.checkWithin(t, 200) } // a millisecond is a hundred

func (r *slowRun) checkWithin(t *testing.T, turns int) {
	assert.Equal(t, runLength, len(r.ran))
	assert.True(t, slices.IsSorted(r.ran))
	assert.NotZero(t, r.heard)
	assert.LessOrEqual(t, r.heard, turns)
	assert.NotZero(t, r.Loop.Figures().LongestTurn)
}

// Timers that are due together hold up no socket for long.
func TestARunOfTimersLetsSocketsIn(t *testing.T) {
	r := newSlowRun(t)
	do(r.Kernel, func() {
		for i := range runLength {
			r.Loop.AfterFunc(time.Second, func() { r.turn(i) })
		}
	})
	r.Advance(time.Second)
	r.check(t)
}

// Nor do calls that were posted together. One that comes meanwhile runs behind them.
func TestARunOfCallsLetsSocketsIn(t *testing.T) {
	r := newSlowRun(t)
	for i := range runLength - 1 {
		_ = r.Loop.Call(func() {
			if i == 0 {
				_ = r.Loop.Call(func() { r.turn(runLength) })
			}
			r.turn(i)
		})
	}
	r.Step()
	assert.Equal(t, runLength-len(r.ran), r.Loop.Figures().Calls)
	r.Settle()
	r.check(t)
	assert.Zero(t, r.Loop.Figures().Calls)
}

// A flusher takes its time to seal what is sent.
type slowFlusher struct {
	protocol.Base
	flush func()
}

func (f *slowFlusher) DataReceived([]byte) {}
func (f *slowFlusher) Flush()              { f.flush() }

// Nor does a broadcast to very many. One to a few hundred is not broken off: what the
// others say meanwhile leaves together with the next.
func TestABroadcastLetsSocketsIn(t *testing.T) {
	r, broadcast := newSlowBroadcast(t, runLength)
	broadcast()
	r.checkWithin(t, 500)
	assert.Zero(t, r.Loop.Figures().Waiting)

	r, broadcast = newSlowBroadcast(t, 300)
	broadcast()
	assert.Equal(t, 300, r.heard)
}

// What is left of it comes between many sockets that are ready together, but not so often
// that the last of them waits for all of it.
func TestABroadcastLetsManySocketsIn(t *testing.T) {
	const many = 64
	r, broadcast := newSlowBroadcast(t, runLength)
	var ends []*memnet.End
	last := 0
	for range many {
		p := &noted{onData: func([]byte) { last = len(r.ran) }}
		ends = append(ends, adopted(t, r.Kernel, p, factory.Socket{}, nil))
	}
	r.Settle()
	_ = r.Loop.Call(func() {
		for _, end := range ends {
			end.Write([]byte("x"))
		}
	})
	broadcast()
	assert.NotZero(t, last)
	assert.LessOrEqual(t, last, runLength/3)
}

// newSlowBroadcast returns a run of flushes, and what sets it off.
func newSlowBroadcast(t *testing.T, to int) (r *slowRun, broadcast func()) {
	r = newSlowRun(t)
	flushes := func(int) {}
	var room []*slowFlusher
	var ends []*memnet.End
	for i := range to {
		f := &slowFlusher{flush: func() { flushes(i) }}
		room = append(room, f)
		ends = append(ends, adopted(t, r.Kernel, f, factory.Socket{}, nil))
	}
	r.Settle()
	flushes = r.turn
	return r, func() {
		do(r.Kernel, func() {
			for _, f := range room {
				f.Write([]byte("hello"))
			}
		})
		for _, end := range ends {
			assert.Equal(t, "hello", string(end.Read()))
		}
	}
}

// A slowReader takes its time when it may read again.
type slowReader struct {
	noted
	resumed func()
}

func (s *slowReader) ReadResumed() { s.resumed() }

// Nor do very many who resume reading together.
func TestARunOfResumesLetsSocketsIn(t *testing.T) {
	r := newSlowRun(t)
	var all []*slowReader
	for i := range runLength {
		s := &slowReader{resumed: func() { r.turn(i) }}
		all = append(all, s)
		adopted(t, r.Kernel, s, factory.Socket{}, nil)
	}
	do(r.Kernel, func() {
		for _, s := range all {
			s.PauseReading()
			s.ResumeReading()
		}
	})
	r.check(t)
}

// A loop with a very long run lets other goroutines in.
func TestARunLetsGoroutinesIn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var turns atomic.Int64
	done := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				turns.Add(1)
				runtime.Gosched()
			}
		}
	}()
	r := newSlowRun(t)
	let := int64(0)
	do(r.Kernel, func() {
		for i := range runLength {
			r.Loop.AfterFunc(time.Second, func() {
				r.turn(i)
				let = turns.Load()
			})
		}
	})
	before := turns.Load()
	r.Advance(time.Second)
	close(stop)
	<-done
	assert.GreaterOrEqual(t, let-before, int64(50), "in a tenth of a second")
}

// Who reads is not dropped for what has only waited for the bell.
func TestABroadcastIsOfferedBeforeAPeerIsSlow(t *testing.T) {
	k := newKernel(t, loop.Config{})
	var room []*noted
	var ends []*memnet.End
	for range 5 {
		p := &noted{}
		room = append(room, p)
		ends = append(ends, adopted(t, k, p, factory.Socket{}, nil))
	}
	k.Settle()
	const times, parts, size = 30, 4, 12 << 10 // more than MaxBacklog, and fewer turns than output waits
	for range times {
		_ = k.Loop.Call(func() {
			for _, p := range room {
				for range parts {
					p.Write(make([]byte, size))
				}
			}
		})
	}
	k.Settle()
	assert.Zero(t, k.Loop.Figures().SlowPeers)
	for _, end := range ends {
		assert.Len(t, end.Read(), times*parts*size)
	}
}
