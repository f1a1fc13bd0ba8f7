package program

import (
	"cmp"
	"log"
	"time"

	"github.com/torsion-go/torsion/reactor"
)

// TellEnd has it said when a shutdown waits for somebody, and for how long: drain is the
// DrainTimeout of the reactors, 10 s if zero. The second signal is expected to end the
// program.
func TellEnd(pool *reactor.Pool, drain time.Duration) {
	pool.BeforeShutdown(func(done func()) {
		defer done()
		most := "as long as they take"
		if drain >= 0 {
			most = cmp.Or(drain, 10*time.Second).String() + " at most"
		}
		if n := pool.Stats().Connections; n > 0 {
			log.Printf("shutting down; open connections: %d, for %s; another signal ends it now", n, most)
		}
	})
}
