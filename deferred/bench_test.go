package deferred_test

import (
	"testing"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/reactortest"
)

func increment(n int) (int, error) { return n + 1, nil }

// One op is one step of a chain of a thousand.
func BenchmarkThen(b *testing.B) {
	b.ReportAllocs()
	for n := b.N; n > 0; n -= 1000 {
		head := deferred.New[int](nil)
		d := head
		for range min(n, 1000) {
			d = deferred.Then(d, increment)
		}
		d.Done(func(int, error) {})
		head.Fire(0, nil)
	}
}

// One op is one step that waits for another Deferred.
func BenchmarkChain(b *testing.B) {
	b.ReportAllocs()
	for n := b.N; n > 0; n -= 1000 {
		head := deferred.New[int](nil)
		d := head
		for range min(n, 1000) {
			d = deferred.Chain(d, func(n int) *deferred.Deferred[int] { return deferred.Fired(n+1, nil) })
		}
		d.Done(func(int, error) {})
		head.Fire(0, nil)
	}
}

// One op is one result that a coroutine waits for: two switches.
func BenchmarkWait(b *testing.B) {
	l := reactortest.NewMemory(reactortest.Config{})
	b.ReportAllocs()
	_ = l.Call(func() {
		var d *deferred.Deferred[int]
		deferred.Run(l, func(c *deferred.Coroutine) error {
			for range b.N {
				d = deferred.New[int](l)
				if _, err := deferred.Wait(c, d); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range b.N {
			d.Fire(i, nil)
		}
	})
	l.Settle()
}

// One op is one coroutine that ends without waiting.
func BenchmarkRun(b *testing.B) {
	l := reactortest.NewMemory(reactortest.Config{})
	b.ReportAllocs()
	_ = l.Call(func() {
		for range b.N {
			deferred.Run(l, func(*deferred.Coroutine) error { return nil })
		}
	})
	l.Settle()
}
