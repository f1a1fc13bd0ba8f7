package deferred_test

import (
	"bytes"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
)

// An error to which nobody attaches is logged once, after the next posted call.
func TestUnhandledErrorIsLogged(t *testing.T) {
	w := newWorld()
	d := deferred.New[int](w)
	last := deferred.Then(d, func(n int) (string, error) { return "", nil })
	w.do(func() {
		d.Fire(0, errBad)
		assert.Empty(t, w.log.String(), "its owner may still attach")
		_ = w.Call(func() { assert.Equal(t, 1, w.log.Lines(), "one call later") })
	})
	assert.Equal(t, 1, w.log.Lines())
	assert.Contains(t, w.log.String(), "level=ERROR")
	assert.Contains(t, w.log.String(), "error=bad")
	assert.Contains(t, w.log.String(), "*deferred.Deferred[string]")
	assert.Contains(t, w.log.String(), "unhandled_test.go:")
	assert.ErrorIs(t, outcomeOf(last).err, errBad, "who comes too late gets it still")
	w.Settle()
	assert.Equal(t, 1, w.log.Lines())
}

// An error is handled by who attaches within the event, or in a call posted before.
func TestHandledErrorIsNotLogged(t *testing.T) {
	w := newWorld()
	w.do(func() {
		d := deferred.New[int](w)
		d.Fire(0, errBad)
		outcomeOf(d)
		e := deferred.New[int](w)
		_ = w.Call(func() { outcomeOf(e) })
		e.Fire(0, errBad)
		c := deferred.New[int](w)
		c.Cancel()
		inner := deferred.New[int](w)
		inner.Fire(0, errBad)
		outcomeOf(deferred.Chain(deferred.Fired(0, nil), func(int) *deferred.Deferred[int] { return inner }))
	})
	assert.Empty(t, w.log.String())
}

// A chain that takes its loop from an inner Deferred reports there.
func TestLoopIsInherited(t *testing.T) {
	w := newWorld()
	w.do(func() {
		var head deferred.Deferred[int]
		inner := deferred.New[int](w)
		deferred.Chain(&head, func(int) *deferred.Deferred[int] { return inner })
		head.Fire(0, nil)
		inner.Fire(0, errBad)
		deferred.All(deferred.Fired(0, nil), deferred.New[int](w)).Cancel()
		g := deferred.New[int](w)
		deferred.First(&deferred.Deferred[int]{}, g.Catch(func(error) (int, error) { panic("x") })).Cancel()
	})
	assert.Equal(t, 2, w.log.Lines(), w.log)
}

// Where no loop is known an error is logged when its Deferred is garbage.
func TestErrorOfNoLoopIsLoggedAsGarbage(t *testing.T) {
	logged := make(chan string, 10)
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(writer(func(p []byte) { logged <- string(bytes.Clone(p)) }), nil)))

	kept, handled := deferred.Fired(0, errBad), deferred.Fired(0, errBad)
	outcomeOf(handled)
	deferred.Fired("", errBad)
	timeout := time.After(deadline)
	for {
		runtime.GC()
		select {
		case line := <-logged:
			assert.Contains(t, line, "*deferred.Deferred[string]")
			assert.Empty(t, logged)
			assert.ErrorIs(t, outcomeOf(kept).err, errBad)
			return
		case <-timeout:
			require.Fail(t, "nothing was logged")
		default:
			runtime.Gosched()
		}
	}
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}
