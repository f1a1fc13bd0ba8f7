package loop_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
)

// newKernel returns a loop that this goroutine drives.
func newKernel(t testing.TB, c loop.Config) *memnet.Kernel {
	c.Watchdog = -1
	k := memnet.New(c)
	leave, err := k.Loop.Start()
	assert.NoError(t, err)
	t.Cleanup(leave)
	return k
}

// do runs f on the loop.
func do(k *memnet.Kernel, f func()) {
	_ = k.Loop.Call(f)
	k.Settle()
}

// Timers run by their time, those of the same moment in the order in which they
// were set, whatever was moved or stopped in between.
func TestTimersKeepTheirOrder(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		k := newKernel(t, loop.Config{})
		var want clock.Fake // the simple implementation
		var got, expected []int
		do(k, func() {
			mine, theirs := make([]clock.Timer, 300), make([]clock.Timer, 300)
			for i := range mine {
				d := time.Duration(r.IntN(50)) * time.Second
				mine[i] = k.Loop.AfterFunc(d, func() { got = append(got, i) })
				theirs[i] = want.AfterFunc(d, func() { expected = append(expected, i) })
			}
			for range 600 {
				i, d := r.IntN(len(mine)), time.Duration(r.IntN(60)-5)*time.Second
				switch r.IntN(3) {
				case 0:
					assert.Equal(t, theirs[i].Stop(), mine[i].Stop())
				case 1:
					assert.Equal(t, theirs[i].Reset(d), mine[i].Reset(d))
				case 2:
					assert.Equal(t, theirs[i].(clock.Delayer).Delay(d/10+time.Second), mine[i].(clock.Delayer).Delay(d/10+time.Second))
				}
			}
		})
		for range 80 {
			k.Advance(time.Second)
			want.Advance(time.Second)
		}
		assert.Equal(t, expected, got, "seed %d", seed)
		assert.Zero(t, k.Loop.Figures().Timers)
	}
}

// One that is moved to before now holds up none of those that are due, be it by less than
// it should be late: it runs behind them.
func TestDelayHoldsUpNobody(t *testing.T) {
	for _, d := range []time.Duration{math.MinInt64, -time.Hour, -1, 0, time.Second} {
		k := newKernel(t, loop.Config{})
		var got []int
		do(k, func() {
			last := k.Loop.AfterFunc(2*time.Second, func() { got = append(got, 3) })
			k.Loop.AfterFunc(time.Second, func() {
				got = append(got, 1)
				assert.True(t, last.(clock.Delayer).Delay(d))
			})
			k.Loop.AfterFunc(4*time.Second, func() { got = append(got, 2) })
		})
		k.Pass(5 * time.Second)
		k.Step()
		assert.Equal(t, []int{1, 2}, got, d)
		k.Settle()
		assert.Equal(t, []int{1, 2, 3}, got, d)
	}
}

// So do those of a long life, set, moved and stopped again and again, be they due in
// nanoseconds or in days. Each runs at its very moment, unless the loop was busy then.
func TestTimersOfAllLengths(t *testing.T) {
	type call struct {
		timer int
		at    time.Duration
	}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		k := newKernel(t, loop.Config{})
		var want clock.Fake
		var got, expected []call
		var mine, theirs []clock.Timer
		from, busy := k.Nanos(), false
		passed := func() time.Duration { return time.Duration(k.Nanos() - from) }
		length := func(most int) time.Duration {
			n := r.IntN(most)
			d := time.Duration(r.Int64N(2 << n))
			if r.IntN(2) == 0 { // to a moment that many share
				step := time.Duration(1) << max(23, n-2)
				now := time.Duration(k.Nanos())
				d = (now + d + step).Truncate(step) - now
			}
			return d
		}
		for range 100 {
			do(k, func() {
				for range 20 {
					n, d, again := len(mine), length(48), length(40)
					mine = append(mine, k.Loop.AfterFunc(d, func() {
						if busy {
							got = append(got, call{n, 0})
						} else if got = append(got, call{n, passed()}); n%3 == 0 {
							mine[n].Reset(time.Hour + again)
						}
					}))
					theirs = append(theirs, want.AfterFunc(d, func() {
						if busy {
							expected = append(expected, call{n, 0})
						} else if expected = append(expected, call{n, want.Now().Sub(time.Time{})}); n%3 == 0 {
							theirs[n].Reset(time.Hour + again)
						}
					}))
				}
				for range 60 {
					i, d := r.IntN(len(mine)), length(48)
					switch r.IntN(3) {
					case 0:
						assert.Equal(t, theirs[i].Stop(), mine[i].Stop())
					case 1:
						assert.Equal(t, theirs[i].Reset(d), mine[i].Reset(d))
					case 2:
						assert.Equal(t, theirs[i].(clock.Delayer).Delay(d), mine[i].(clock.Delayer).Delay(d))
					}
				}
			})
			want.Advance(0) // what is due now has run
			d := length(44)
			if busy = r.IntN(4) == 0; busy {
				k.Pass(d)
				do(k, func() { k.Loop.AfterFunc(d, func() {}).Stop() })
			} else {
				k.Advance(d)
			}
			want.Advance(d)
			assert.Equal(t, want.Timers(), k.Loop.Figures().Timers)
		}
		assert.NotEmpty(t, got)
		assert.Equal(t, expected, got, "seed %d", seed)
	}
}

// A timer that was stopped keeps nothing alive, though its moment is far away.
func TestStoppedTimersAreForgotten(t *testing.T) {
	k := newKernel(t, loop.Config{})
	var kept []weak.Pointer[[]byte]
	do(k, func() {
		var stopped []clock.Timer
		for i := range 300 {
			held := new([]byte)
			tm := k.Loop.AfterFunc(time.Duration(i+1)*time.Minute, func() { *held = nil })
			if i%3 != 0 {
				kept, stopped = append(kept, weak.Make(held)), append(stopped, tm)
			}
		}
		for _, tm := range stopped {
			tm.Stop()
		}
	})
	runtime.GC()
	for _, p := range kept {
		assert.Nil(t, p.Value())
	}
	assert.Equal(t, 100, k.Loop.Figures().Timers)
}

// A million timers at once are no trouble, nor is one in ten years or at the end of time.
func TestMillionTimers(t *testing.T) {
	n := 1_000_000
	if debugBuild {
		n /= 50 // each costs a look at the goroutine there
	}
	k := newKernel(t, loop.Config{})
	fired, last := 0, int64(0)
	r := rand.New(rand.NewPCG(1, 2))
	do(k, func() {
		for range n {
			k.Loop.AfterFunc(time.Duration(r.Int64N(int64(time.Hour))), func() {
				fired++
				assert.GreaterOrEqual(t, k.Nanos(), last)
				last = k.Nanos()
			})
		}
		k.Loop.AfterFunc(10*365*24*time.Hour, func() { fired++ })
		k.Loop.AfterFunc(1<<63-1, func() { fired++ })
	})
	// Not one by one: each moment would be a step of its own.
	for range 100 {
		k.Skip(time.Minute)
	}
	assert.Equal(t, n, fired)
	k.Advance(20 * 365 * 24 * time.Hour)
	assert.Equal(t, n+1, fired)
	assert.Equal(t, 1, k.Loop.Figures().Timers)
}

// A timer with no delay runs after the next poll: one that always sets another
// holds up neither sockets nor posted calls.
func TestZeroDelayLetsOthersRun(t *testing.T) {
	k := newKernel(t, loop.Config{})
	n, heard := 0, -1
	var again func()
	again = func() {
		if n++; n < 100 {
			k.Loop.AfterFunc(0, again)
		}
	}
	do(k, func() {
		k.Loop.AfterFunc(0, again)
		k.Loop.AfterFunc(0, func() { _ = k.Loop.Call(func() { heard = n }) })
	})
	assert.Equal(t, 100, n)
	assert.LessOrEqual(t, heard, 2)
}

// A timer that is moved with every message costs no allocation and no sifting.
func TestMovingATimerAllocatesNothing(t *testing.T) {
	if debugBuild {
		t.Skip("the checks of debug builds allocate")
	}
	k := newKernel(t, loop.Config{})
	do(k, func() {
		idle := k.Loop.AfterFunc(time.Minute, func() {})
		assert.Zero(t, testing.AllocsPerRun(1000, func() { idle.Reset(2 * time.Minute) }))
	})
}

func BenchmarkTimerReset(b *testing.B) {
	k := newKernel(b, loop.Config{})
	do(k, func() {
		idle := k.Loop.AfterFunc(time.Minute, func() {})
		b.ReportAllocs()
		for b.Loop() {
			idle.Reset(2 * time.Minute)
		}
	})
}

// One timer set and stopped while a million others are ahead.
func BenchmarkTimerAmongAMillion(b *testing.B) {
	k := newKernel(b, loop.Config{})
	r := rand.New(rand.NewPCG(1, 2))
	do(k, func() {
		for range 1_000_000 {
			k.Loop.AfterFunc(time.Duration(r.Int64N(int64(time.Hour))), func() {})
		}
		b.ReportAllocs()
		for b.Loop() {
			k.Loop.AfterFunc(time.Duration(r.Int64N(int64(time.Hour))), func() {}).Stop()
		}
	})
}

// One timer set and fired, of a thousand that are due together.
func BenchmarkTimerFire(b *testing.B) {
	k := newKernel(b, loop.Config{})
	nothing := func() {}
	set := func() {
		for range 1000 {
			k.Loop.AfterFunc(time.Second, nothing)
		}
	}
	b.ReportAllocs()
	for n := b.N; n > 0; n -= 1000 {
		do(k, set)
		k.Skip(time.Second)
	}
}
