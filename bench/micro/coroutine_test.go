package micro

import (
	"testing"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/reactor"
)

// There and back: a value is handed to a coroutine that waits for it, which waits for
// the next; or to a goroutine, over a channel, that says over another that it has it.
func BenchmarkPingPong(b *testing.B) {
	b.Run("torsion", func(b *testing.B) {
		b.ReportAllocs()
		onLoop(b, func(r *reactor.Reactor) { pingPong(b, r) })
		each(b)
	})
	b.Run("channels", func(b *testing.B) {
		b.ReportAllocs()
		ping, pong := make(chan int), make(chan int)
		go func() {
			for n := range ping {
				pong <- n
			}
		}()
		for i := range b.N {
			ping <- i
			<-pong
		}
		close(ping)
		each(b)
	})
}

func pingPong(b *testing.B, r *reactor.Reactor) {
	var d *deferred.Deferred[int]
	got := 0
	deferred.Run(r, func(c *deferred.Coroutine) error {
		for range b.N {
			d = deferred.New[int](r)
			if _, err := deferred.Wait(c, d); err != nil {
				return err
			}
			got++
		}
		return nil
	})
	for i := range b.N {
		d.Fire(i, nil)
	}
	if got != b.N {
		b.Errorf("%d of %d came", got, b.N)
	}
}

func each(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/each")
}
