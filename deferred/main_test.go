package deferred_test

import (
	"errors"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

const deadline = 30 * time.Second // for anything: a busy machine is slow

var errBad = errors.New("bad")

// A world is a loop in memory and what it logs.
type world struct {
	*reactortest.Memory
	logger *slog.Logger
	log    *hosttest.Log
}

func newWorld() world {
	log := &hosttest.Log{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	return world{Memory: reactortest.NewMemory(reactortest.Config{Logger: logger}), logger: logger, log: log}
}

func (w world) Logger() *slog.Logger { return w.logger }

// do runs f on the loop and all that follows from it.
func (w world) do(f func()) {
	_ = w.Call(f) // this loop runs
	w.Settle()
}

// An outcome is what Done was told.
type outcome[T any] struct {
	v     T
	err   error
	times int
}

// outcomeOf ends the chain of d.
func outcomeOf[T any](d *deferred.Deferred[T]) *outcome[T] {
	o := &outcome[T]{}
	d.Done(func(v T, err error) {
		o.v, o.err = v, err
		o.times++
	})
	return o
}

// A closer counts how often it was closed.
type closer struct{ closed int }

func (c *closer) Close() error {
	c.closed++
	return nil
}

// A deaf protocol hears nothing of what its peer says.
type deaf struct{ protocol.Base }

func (deaf) DataReceived([]byte) {}

// settlesAt waits until no more than n goroutines are left.
func settlesAt(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(deadline); runtime.NumGoroutine() > n; runtime.Gosched() {
		require.True(t, time.Now().Before(end), "%d goroutines are left, not %d", runtime.NumGoroutine(), n)
	}
}
