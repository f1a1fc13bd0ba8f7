package reactortest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
)

// Memory is a reactor and network without a kernel. Whoever listens on it can be
// connected to from it, and from nowhere else. Its clock stands still until
// Advance moves it. Either a test drives it by Step, Settle and Advance, and
// everything happens in the same order each time, or Run does as it comes.
type Memory struct {
	kernel *memnet.Kernel
	socket factory.Socket

	drive sync.Mutex    // held by the goroutine that drives the loop
	woken chan struct{} // holds one token
}

var _ Reactor = (*Memory)(nil)

// NewMemory returns a reactor that serves nobody yet. If Workers is negative it has
// none: work is done in its next Step, by whoever calls that.
func NewMemory(c Config) *Memory {
	m := &Memory{woken: make(chan struct{}, 1), socket: c.Socket}
	m.kernel = memnet.New(loop.Config{Logger: c.Logger, DrainTimeout: c.DrainTimeout, Workers: c.Workers, Inline: c.Workers < 0, Watchdog: -1})
	m.kernel.Woken = m.wake
	return m
}

func (m *Memory) wake() {
	select {
	case m.woken <- struct{}{}:
	default: // a token is there
	}
}

// Run drives the loop until Stop is called or ctx ends, and all connections have
// ended. The clock does not move by itself.
func (m *Memory) Run(ctx context.Context) error {
	var err error
	m.driving(func() { _, err = m.kernel.Loop.Start() })
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, m.kernel.Loop.StopOnce)
	defer stop()
	for !m.kernel.Loop.Finished() {
		if !m.Step() {
			<-m.woken
		}
	}
	return nil
}

// driving runs f as the loop's goroutine.
func (m *Memory) driving(f func()) {
	m.drive.Lock()
	defer m.drive.Unlock()
	m.kernel.Loop.Enter()
	defer m.kernel.Loop.Leave()
	f()
}

// Step handles what is ready now, and reports whether anything was.
func (m *Memory) Step() (busy bool) {
	m.driving(func() { busy = m.kernel.Step() })
	return busy
}

// Settle steps until nothing is ready.
func (m *Memory) Settle() { m.driving(m.kernel.Settle) }

// Advance moves the clock by d and handles what comes due on the way.
func (m *Memory) Advance(d time.Duration) {
	m.driving(func() { m.kernel.Advance(d) })
	m.wake() // Run looks whether that was the end
}

// Stop begins the shutdown.
func (m *Memory) Stop() { m.kernel.Loop.Stop() }

// BeforeShutdown adds a function that runs before the ports close.
func (m *Memory) BeforeShutdown(f func(done func())) { m.kernel.Loop.BeforeShutdown(f) }

// AfterShutdown adds a function that runs when everything has ended.
func (m *Memory) AfterShutdown(f func()) { m.kernel.Loop.AfterShutdown(f) }

// WhenStopped has f called, on the loop, when everything has ended.
func (m *Memory) WhenStopped(f func()) (forget func()) { return m.kernel.Loop.WhenStopped(f) }

// HandTo makes a coroutine's goroutine count as the one that drives the loop.
func (m *Memory) HandTo(goroutine uint64) (before uint64) { return m.kernel.Loop.HandTo(goroutine) }

// Logger returns Config.Logger, or slog.Default().
func (m *Memory) Logger() *slog.Logger { return m.kernel.Loop.Logger() }

// Now returns the clock's time.
func (m *Memory) Now() time.Time { return m.kernel.Now() }

// AfterFunc sets a timer, on the loop.
func (m *Memory) AfterFunc(d time.Duration, f func()) clock.Timer {
	return m.kernel.Loop.AfterFunc(d, f)
}

// Call runs f on the loop.
func (m *Memory) Call(f func()) error { return m.kernel.Loop.Call(f) }

// Work runs f on a goroutine of the pool.
func (m *Memory) Work(f func()) error { return m.kernel.Loop.Work(f) }

// OnLoop reports whether the caller is driving the loop.
func (m *Memory) OnLoop() bool { return m.kernel.Loop.OnLoop() }

// MayWait reports whether the caller may wait for the loop; see protocol.MayWait.
func (m *Memory) MayWait() bool { return m.kernel.Loop.MayWait() }

// Listen announces on an address of this network.
func (m *Memory) Listen(network, addr string, f factory.Factory) (factory.Port, error) {
	return m.kernel.Loop.Listen(network, addr, f, m.socket)
}

// Connect connects to an address of this network.
func (m *Memory) Connect(network, addr string, f factory.Factory) factory.Connector {
	return m.kernel.Loop.Connect(network, addr, f, m.socket)
}

// Tuned returns the same network with other settings.
func (m *Memory) Tuned(s factory.Socket) factory.Network { return tuned{m, s} }

type tuned struct {
	*Memory
	socket factory.Socket
}

func (t tuned) Listen(network, addr string, f factory.Factory) (factory.Port, error) {
	return t.kernel.Loop.Listen(network, addr, f, t.socket)
}

func (t tuned) Connect(network, addr string, f factory.Factory) factory.Connector {
	return t.kernel.Loop.Connect(network, addr, f, t.socket)
}
