//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

// Package reactor has the reactor for real sockets: one event loop on one
// goroutine, on the poller of gnet (epoll or kqueue). What runs where, who owns
// the bytes and what a close means is told once, in package protocol.
//
//	r, err := reactor.New(reactor.Config{})
//	port, err := r.Listen("tcp", "127.0.0.1:8007", factory.Each(newEcho))
//	err = r.Run(ctx)
//
// A program embeds a reactor by running it on a goroutine; its other goroutines
// use Call, protocol.Ask and protocol.Remote. A Pool is several reactors behind the
// same addresses, one for each core.
package reactor

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/protocol"
)

// ErrRunning is the answer to running a reactor twice.
var ErrRunning = loop.ErrRunning

// Config tunes a Reactor. The zero value suits most.
type Config struct {
	// Logger gets failures to accept, panics of callbacks and what the watchdog
	// sees; at Debug also who is refused, and why each connection has ended.
	// slog.Default() if nil.
	Logger *slog.Logger

	// DrainTimeout is how long connections may take to end after Stop, before
	// they are aborted; 10 s if zero, for ever if negative. Nothing ends a callback
	// that does not return: if one still holds the loop a second after Stop was called,
	// its stack is logged.
	DrainTimeout time.Duration

	// Workers is how many goroutines Work may use at once; 4 if zero. They exist
	// only while there is work.
	Workers int

	// Watchdog is how long a callback may hold the loop before its name and
	// stack are logged. Zero is off, but a second in builds with -race or the
	// tag torsion_debug; negative is off.
	Watchdog time.Duration

	// Socket has the settings of sockets that Listen, Connect and Adopt open.
	Socket factory.Socket
}

// A Reactor is one event loop. Its methods may be called from any goroutine,
// but for its clock, which belongs to the loop. It is a factory.Network and a
// protocol.Worker.
type Reactor struct {
	loop   *loop.Loop
	kernel *kernel
	socket factory.Socket
}

var (
	_ factory.Network = (*Reactor)(nil)
	_ protocol.Worker = (*Reactor)(nil)
)

// New returns a reactor that does not run yet. It holds a few descriptors, which
// Run gives back, also behind Stop: who does not want it any more calls both. The
// error is a *os.SyscallError, for want of descriptors most likely.
func New(c Config) (*Reactor, error) { return newReactor(c, loop.Config{}) }

// newReactor returns one whose loop has besides what lc says.
func newReactor(c Config, lc loop.Config) (*Reactor, error) {
	k, err := newKernel()
	if err != nil {
		return nil, err
	}
	lc.Logger, lc.DrainTimeout, lc.Workers, lc.Watchdog = c.Logger, c.DrainTimeout, c.Workers, c.Watchdog
	return &Reactor{loop: loop.New(k, lc), kernel: k, socket: c.Socket}, nil
}

// Run runs the loop until Stop is called or ctx ends, and all connections have
// ended. Then the error is nil. It is [ErrRunning] the second time, and says so
// if the poller failed or a callback ended its goroutine by runtime.Goexit; then
// everything was closed at once. No goroutine is left, but for one that the standard
// library may have to look a name up by cgo, which nobody can break off.
//
// A program that wants to stop at signals:
//
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
//	context.AfterFunc(ctx, stop) // a second signal ends the program at once
//	if err := r.Run(ctx); err != nil {
//		log.Fatal(err)
//	}
func (r *Reactor) Run(ctx context.Context) error {
	if r.loop.Started() {
		return ErrRunning
	}
	stop := context.AfterFunc(ctx, r.loop.StopOnce)
	defer stop()
	ended := make(chan error, 1)
	go r.run(ended)
	err := <-ended
	for err != nil && !r.loop.Finished() && err != ErrRunning { // a callback may end that goroutine, too
		crashed := make(chan struct{})
		go func() { defer close(crashed); r.loop.Crash() }()
		<-crashed
	}
	if err != ErrRunning {
		r.kernel.close()
	}
	return err
}

// run is the loop's own goroutine, so that Run survives its end.
func (r *Reactor) run(ended chan<- error) {
	err := fmt.Errorf("reactor: runtime.Goexit in a callback")
	defer func() { ended <- err }()
	leave, startErr := r.loop.Start()
	if startErr != nil {
		err = startErr
		return
	}
	defer leave()
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: %s", err, r.loop.Running())
		}
	}()
	if err2 := r.kernel.poll(r.loop); !r.loop.Finished() {
		err = fmt.Errorf("reactor: poller: %w", err2)
	} else {
		err = nil
	}
}

// Stop begins the shutdown and returns at once: the BeforeShutdown functions
// run, ports close, protocols that are a protocol.Shutdowner say goodbye and all
// other connections get LoseConnection (a peer that does not end its side then
// takes LingerTimeout). A second Stop, or DrainTimeout after the first, aborts
// what is left. Stop before Run has Run return soon.
func (r *Reactor) Stop() { r.loop.Stop() }

// BeforeShutdown adds a function that runs on the loop when Stop has been called
// and before the ports close. They run in the order in which they were added,
// each when the one before has called done, from whatever goroutine.
func (r *Reactor) BeforeShutdown(f func(done func())) { r.loop.BeforeShutdown(f) }

// AfterShutdown adds a function that runs on the loop when everything has ended.
func (r *Reactor) AfterShutdown(f func()) { r.loop.AfterShutdown(f) }

// WhenStopped has f called once, on the loop, when everything has ended, before
// the AfterShutdown functions; forget takes that back. It is for the loop.
func (r *Reactor) WhenStopped(f func()) (forget func()) { return r.loop.WhenStopped(f) }

// HandTo is for package deferred: a coroutine stands in for the loop's goroutine.
func (r *Reactor) HandTo(goroutine uint64) (before uint64) { return r.loop.HandTo(goroutine) }

// Logger returns Config.Logger, or slog.Default().
func (r *Reactor) Logger() *slog.Logger { return r.loop.Logger() }

// Now returns the current time.
func (r *Reactor) Now() time.Time { return r.loop.Now() }

// AfterFunc sets a timer that belongs to no connection. It is for the loop;
// before Run: r.Call(func() { r.AfterFunc(d, f) }).
func (r *Reactor) AfterFunc(d time.Duration, f func()) clock.Timer { return r.loop.AfterFunc(d, f) }

// Call runs f on the loop; see protocol.Loop. What is called before Run waits for it.
func (r *Reactor) Call(f func()) error { return r.loop.Call(f) }

// Work runs f on a goroutine of the pool; see protocol.Worker.
func (r *Reactor) Work(f func()) error { return r.loop.Work(f) }

// MayWait reports whether the caller may wait for the loop; see protocol.MayWait.
func (r *Reactor) MayWait() bool { return r.loop.MayWait() }

// OnLoop reports whether the caller runs on the loop. It takes microseconds.
func (r *Reactor) OnLoop() bool { return r.loop.OnLoop() }

// Listen announces on the address; see factory.Network. A stale file of a Unix
// socket, one that nobody listens on, is replaced, and removed at the end.
func (r *Reactor) Listen(network, addr string, f factory.Factory) (factory.Port, error) {
	return r.loop.Listen(network, addr, f, r.socket)
}

// Connect begins to connect to the address; see factory.Network.
func (r *Reactor) Connect(network, addr string, f factory.Factory) factory.Connector {
	return r.loop.Connect(network, addr, f, r.socket)
}

// Tuned returns the same reactor with other settings for what it opens.
func (r *Reactor) Tuned(s factory.Socket) factory.Network { return tuned{r, s} }

type tuned struct {
	*Reactor
	socket factory.Socket
}

func (t tuned) Listen(network, addr string, f factory.Factory) (factory.Port, error) {
	return t.loop.Listen(network, addr, f, t.socket)
}

func (t tuned) Connect(network, addr string, f factory.Factory) factory.Connector {
	return t.loop.Connect(network, addr, f, t.socket)
}

// Adopt takes a connection over from the standard library: a protocol of f gets
// its socket, and c is closed. What was read from it already goes into head,
// and is received first. With an error c is still open, whether it is no socket
// (ErrNoDescriptor), no descriptor is left, or f is nil; but it is closed if that is
// protocol.ErrStopped, since the reactor has stopped.
func (r *Reactor) Adopt(c net.Conn, f factory.Factory, head ...byte) error {
	if f == nil {
		return loop.ErrNoFactory
	}
	fd, err := duplicate(c)
	if err != nil {
		return err
	}
	r.kernel.mark(fd, mark{shared: true})
	peer := c.RemoteAddr()
	_ = c.Close() // our duplicate keeps the connection
	return r.loop.Adopt(fd, peer, f, r.socket, append([]byte(nil), head...))
}

// Listener takes a listener over, one that the system handed down for example.
// It is closed, and its socket is listened on by the port.
func (r *Reactor) Listener(l net.Listener, f factory.Factory) (factory.Port, error) {
	fd, addr, err := r.kernel.takeOver(l)
	if err != nil {
		return nil, err
	}
	return r.loop.Serve(fd, addr, f, r.socket)
}
