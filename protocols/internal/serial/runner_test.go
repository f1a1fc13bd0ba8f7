package serial_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/internal/serial"
	"github.com/torsion-go/torsion/reactortest"
)

var errFine = errors.New("fine")

// A talk is one over a pipe, whose other end the test has.
type talk struct {
	kit  *kit
	conn net.Conn
	in   *bufio.Reader
}

func (t *talk) Conn() net.Conn { return t.conn }

func (t *talk) Peek() error {
	_, err := t.in.Peek(1)
	return err
}

func (t *talk) Quit(context.Context) { t.end("quit") }

func (t *talk) Drop() { t.end("drop") }

func (t *talk) end(how string) {
	if t.conn != nil {
		t.kit.note(how)
		_ = t.conn.Close()
		t.conn = nil
	}
}

// A kit is a Runner in a bubble, and what has happened to it.
type kit struct {
	*testing.T
	serial.Runner[*talk]
	network *reactortest.Memory

	mu     sync.Mutex
	events []string
	server net.Conn
	opened chan struct{} // what a task waits for that is to take time
}

func inKit(t *testing.T, test func(k *kit)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &kit{T: t, opened: make(chan struct{})}
		k.network = reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})
		done := make(chan error, 1)
		go func() { done <- k.network.Run(context.Background()) }()
		k.Runner = serial.Runner[*talk]{
			Name: "test", Loop: k.network,
			Talk: func() *talk { k.note("goroutine"); return &talk{kit: k} },
			Idle: func() time.Time { return time.Now().Add(time.Minute) },
		}
		t.Cleanup(func() {
			k.Close()
			k.network.Stop()
			assert.NoError(t, <-done)
		})
		test(k)
	})
}

func (k *kit) note(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.events = append(k.events, what)
}

// noted returns what has happened since it was asked last.
func (k *kit) noted() []string {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	events := k.events
	k.events = nil
	return events
}

// connect is a task that has a connection, and a name.
func (k *kit) connect(name string) serial.Task[*talk, string] {
	return func(_ context.Context, t *talk) (string, error) {
		if t.conn == nil {
			k.note("connect")
			t.conn, k.server = net.Pipe()
			t.in = bufio.NewReader(t.conn)
		}
		k.note(name)
		return name, nil
	}
}

// slow is a task that takes until k.opened is closed, or its context ends.
func (k *kit) slow(ctx context.Context, t *talk) (string, error) {
	k.note("slow")
	select {
	case <-k.opened:
		return "slow", nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func lost(err error) (string, error) { return "lost", err }

// later asks on the loop, and returns how to cancel it.
func (k *kit) later(f serial.Task[*talk, string]) (cancel func()) {
	k.Helper()
	asked := make(chan *deferred.Deferred[string], 1)
	require.NoError(k, k.network.Call(func() {
		d := serial.Later(&k.Runner, f, lost)
		d.Done(func(s string, err error) {
			if err != nil {
				s += ": " + err.Error()
			}
			k.note("told " + s)
		})
		asked <- d
	}))
	d := <-asked
	return func() { require.NoError(k, k.network.Call(d.Cancel)) }
}

func (k *kit) now(ctx context.Context, f serial.Task[*talk, string]) (string, error) {
	return serial.Now(ctx, &k.Runner, f, lost)
}

// Tasks are done in order over one connection, by one goroutine, which leaves when there has
// been nothing to do for a while; another comes when there is.
func TestRunnerTakesTurns(t *testing.T) {
	inKit(t, func(k *kit) {
		k.later(k.connect("a"))
		k.later(k.connect("b"))
		s, err := k.now(k.Context(), k.connect("c"))
		require.NoError(k, err)
		assert.Equal(k, "c", s)
		assert.Subset(k, k.noted(), []string{"goroutine", "connect", "a", "told a", "b", "told b", "c"})
		time.Sleep(time.Minute - time.Second) // in the bubble
		assert.Empty(k, k.noted())
		_, err = k.now(k.Context(), k.connect("d"))
		require.NoError(k, err)
		time.Sleep(time.Minute - time.Second)
		assert.Equal(k, []string{"d"}, k.noted())
		time.Sleep(time.Second)
		assert.Equal(k, []string{"quit"}, k.noted())
		_, err = k.now(k.Context(), k.connect("e"))
		require.NoError(k, err)
		assert.Equal(k, []string{"goroutine", "connect", "e"}, k.noted())
	})
}

// A server that goes, or says something that nobody has asked for, is left at once.
func TestRunnerNoticesServers(t *testing.T) {
	for name, do := range map[string]func(k *kit){
		"goes":  func(k *kit) { _ = k.server.Close() },
		"talks": func(k *kit) { _, _ = k.server.Write([]byte("421")) },
	} {
		t.Run(name, func(t *testing.T) {
			inKit(t, func(k *kit) {
				_, err := k.now(k.Context(), k.connect("a"))
				require.NoError(k, err)
				k.noted()
				do(k)
				assert.Equal(k, []string{"drop"}, k.noted())
				_, err = k.now(k.Context(), k.connect("b"))
				require.NoError(k, err)
				assert.Equal(k, []string{"goroutine", "connect", "b"}, k.noted())
			})
		})
	}
}

// Close ends what is under way and refuses all else; Leave lets what was asked for be done.
func TestRunnerEnds(t *testing.T) {
	inKit(t, func(k *kit) {
		_, err := k.now(k.Context(), k.connect("a"))
		require.NoError(k, err)
		k.later(k.slow)
		k.later(k.connect("b"))
		k.noted()
		k.Close()
		k.Close()
		closed := "told lost: " + net.ErrClosed.Error()
		assert.ElementsMatch(k, []string{"told : " + net.ErrClosed.Error(), closed, "quit"}, k.noted())
		k.later(k.connect("c"))
		assert.Equal(k, []string{closed}, k.noted())
		_, err = k.now(k.Context(), k.connect("d"))
		assert.ErrorIs(k, err, net.ErrClosed)
	})
	inKit(t, func(k *kit) {
		k.later(k.slow)
		k.later(k.connect("a"))
		k.noted()
		k.Leave()
		_, err := k.now(k.Context(), k.connect("b"))
		assert.ErrorIs(k, err, net.ErrClosed)
		assert.Empty(k, k.noted())
		close(k.opened)
		assert.Subset(k, k.noted(), []string{"told slow", "connect", "a", "told a", "quit"})
	})
	inKit(t, func(k *kit) {
		_, err := k.now(k.Context(), k.connect("a"))
		require.NoError(k, err)
		k.noted()
		k.Leave()
		assert.Equal(k, []string{"quit"}, k.noted(), "it was waiting")
	})
}

// Who does not want to wait is told at once, once, and what has not begun never does.
func TestRunnerCancels(t *testing.T) {
	cancelled := "told lost: " + deferred.ErrCancelled.Error()
	inKit(t, func(k *kit) {
		first := k.later(k.slow)
		second := k.later(k.connect("a"))
		assert.Equal(k, []string{"goroutine", "slow"}, k.noted())
		second()
		assert.Equal(k, []string{cancelled}, k.noted())
		first()
		assert.Equal(k, []string{cancelled}, k.noted())
	})
	inKit(t, func(k *kit) {
		k.later(k.slow)
		k.noted()
		ctx, cancel := context.WithTimeout(k.Context(), time.Second)
		defer cancel()
		s, err := k.now(ctx, k.connect("a"))
		assert.ErrorIs(k, err, context.DeadlineExceeded)
		assert.Equal(k, "lost", s)
		close(k.opened)
		assert.Equal(k, []string{"told slow"}, k.noted())
		_, err = k.now(ctx, k.connect("b"))
		assert.ErrorIs(k, err, context.DeadlineExceeded)
		assert.NotContains(k, k.noted(), "b")
	})
	inKit(t, func(k *kit) {
		ctx, cancel := context.WithTimeout(k.Context(), time.Second)
		defer cancel()
		_, err := k.now(ctx, k.slow)
		assert.ErrorIs(k, err, context.DeadlineExceeded)
	})
}

// A loop that ends takes with it what was asked for on it.
func TestRunnerLoopStops(t *testing.T) {
	inKit(t, func(k *kit) {
		k.later(k.slow)
		k.later(k.connect("a"))
		k.noted()
		k.network.Stop()
		stopped := "told lost: " + protocol.ErrStopped.Error()
		assert.Equal(k, []string{stopped, stopped}, k.noted())
	})
}

// A task that panics has failed, and has no connection any more; the next is done.
func TestRunnerContainsPanics(t *testing.T) {
	inKit(t, func(k *kit) {
		_, err := k.now(k.Context(), k.connect("a"))
		require.NoError(k, err)
		k.noted()
		s, err := k.now(k.Context(), func(context.Context, *talk) (string, error) { panic(errFine) })
		var p *protocol.PanicError
		require.ErrorAs(k, err, &p)
		assert.Equal(k, errFine, p.Value)
		assert.Equal(k, "lost", s)
		_, err = k.now(k.Context(), k.connect("b"))
		require.NoError(k, err)
		assert.Subset(k, k.noted(), []string{"drop", "connect", "b"})
	})
}

// Who would wait on the loop for the loop is told so.
func TestNowPanicsOnTheLoop(t *testing.T) {
	inKit(t, func(k *kit) {
		done := make(chan struct{})
		require.NoError(k, k.network.Call(func() {
			defer close(done)
			assert.PanicsWithValue(k, "test: a call on the loop would wait for the loop itself; take the one that returns a Deferred", func() {
				_, _ = k.now(context.Background(), k.connect("a"))
			})
		}))
		<-done
		assert.Empty(k, k.noted())
	})
}
