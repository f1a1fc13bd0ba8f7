// Package micro measures parts of Torsion beside what plain Go has for the same.
// A benchmark is named What/peer; bench/run shows the ratios.
package micro

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/reactor"
)

const million = 1_000_000

// onLoop runs a reactor, and f on its loop.
func onLoop(b *testing.B, f func(r *reactor.Reactor)) {
	r, err := reactor.New(reactor.Config{Watchdog: -1})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	done := make(chan struct{})
	_ = r.Call(func() { f(r); close(done) })
	<-done
	r.Stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

type after func(d time.Duration, f func()) clock.Timer

func plain(d time.Duration, f func()) clock.Timer { return time.AfterFunc(d, f) }

// fill sets a million timers between an hour and two from now.
func fill(set after) []clock.Timer {
	r := rand.New(rand.NewPCG(1, 2))
	ts := make([]clock.Timer, million)
	for i := range ts {
		ts[i] = set(time.Hour+time.Duration(r.Int64N(int64(time.Hour))), func() {})
	}
	return ts
}

func addAndCancel(b *testing.B, set after, cancel bool) {
	for range b.N {
		runtime.GC()
		b.StartTimer()
		if cancel {
			b.StopTimer()
		}
		ts := fill(set)
		b.StopTimer()
		rand.New(rand.NewPCG(3, 4)).Shuffle(len(ts), func(i, j int) { ts[i], ts[j] = ts[j], ts[i] })
		if cancel {
			b.StartTimer()
		}
		for _, t := range ts {
			t.Stop()
		}
		b.StopTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*million), "ns/each")
}

// A million timers are added, none of which fires.
func BenchmarkTimerAdd(b *testing.B) { both(b, false) }

// A million timers are cancelled, in no order.
func BenchmarkTimerCancel(b *testing.B) { both(b, true) }

func both(b *testing.B, cancel bool) {
	b.Run("torsion", func(b *testing.B) {
		b.StopTimer()
		onLoop(b, func(r *reactor.Reactor) { addAndCancel(b, r.AfterFunc, cancel) })
	})
	b.Run("time.AfterFunc", func(b *testing.B) {
		b.StopTimer()
		addAndCancel(b, plain, cancel)
	})
}

// A million timers fire within a second: the CPU time of each.
func BenchmarkTimerFire(b *testing.B) { fires(b, time.Second) }

// A million timers fire at the same moment. held is the longest time for which nothing
// else ran: a posted call, or a goroutine.
func BenchmarkTimerFireAtOnce(b *testing.B) { fires(b, 0) }

func fires(b *testing.B, within time.Duration) {
	b.Run("torsion", func(b *testing.B) { fire(b, within, true) })
	b.Run("time.AfterFunc", func(b *testing.B) { fire(b, within, false) })
}

func fire(b *testing.B, within time.Duration, ours bool) {
	var cpu, held time.Duration
	for range b.N {
		f := &firing{within: within, done: make(chan struct{})}
		f.left.Store(million)
		if ours {
			r, err := reactor.New(reactor.Config{Watchdog: -1})
			if err != nil {
				b.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- r.Run(context.Background()) }()
			_ = r.Call(func() { f.set(r.AfterFunc); f.lookOnLoop(r) })
			<-f.done
			r.Stop()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		} else {
			f.set(plain)
			go f.look()
			<-f.done
		}
		cpu, held = cpu+f.cpu, max(held, f.held)
	}
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(b.N*million), "ns/each")
	b.ReportMetric(float64(held.Microseconds())/1e3, "ms-held")
}

// A firing is a million timers that are due from a moment on.
type firing struct {
	within    time.Duration
	left      atomic.Int64
	began     time.Duration // CPU time when the first was due
	cpu, held time.Duration
	last      time.Time
	done      chan struct{}
}

func (f *firing) set(set after) {
	r := rand.New(rand.NewPCG(1, 2))
	runtime.GC()
	from := time.Now().Add(3 * time.Second) // they are all set by then
	for range million {
		d := time.Duration(0)
		if f.within > 0 {
			d = time.Duration(r.Int64N(int64(f.within)))
		}
		set(time.Until(from)+d, f.fired)
	}
	set(time.Until(from)-time.Millisecond, func() { f.began = used() })
}

func (f *firing) fired() {
	if f.left.Add(-1) == 0 {
		f.cpu = used() - f.began
		close(f.done)
	}
}

// looked notes for how long nobody looked; every millisecond is enough.
func (f *firing) looked() {
	now := time.Now()
	if !f.last.IsZero() {
		f.held = max(f.held, now.Sub(f.last)-time.Millisecond)
	}
	f.last = now
}

func (f *firing) lookOnLoop(r *reactor.Reactor) {
	f.looked()
	if f.left.Load() > 0 {
		time.AfterFunc(time.Millisecond, func() { _ = r.Call(func() { f.lookOnLoop(r) }) })
	}
}

func (f *firing) look() {
	for f.left.Load() > 0 {
		f.looked()
		time.Sleep(time.Millisecond)
	}
}

// used is the CPU time of this process.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
