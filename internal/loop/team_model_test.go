package loop_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever happens when, the port closes and the loops stop, one of the loops serves each
// connection that was accepted, and no factory builds anything when it has been stopped.
func TestAcceptedConnectionsAreServed(t *testing.T) {
	handed := 0
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		var one, two diary
		p := newPair(t, 3, &one, &two)
		for range random.IntN(30) {
			steps := p.steps(random, 3)
			switch random.IntN(3) {
			case 0:
				steps()
			case 1:
				_ = p.second.Call(steps) // it may have ended
			case 2:
				p.second.Bell()
			}
		}
		for range 100 { // it never settles: nobody hears the second loop's events
			p.Step()
			p.second.Bell()
		}
		_ = p.port.Close()
		log := slices.Concat(one.built(t), two.built(t))
		require.Len(t, log, p.accepted, "seed %d", seed)
		handed += len(two.built(t))
	}
	assert.Greater(t, handed, 200)
}

// built is what a factory that was stopped has built.
func (d *diary) built(t *testing.T) []string {
	log := slices.DeleteFunc(slices.Clone(d.log), func(s string) bool { return s == "lost" })
	require.Equal(t, "start", log[0])
	require.Equal(t, "stop", log[len(log)-1])
	return log[1 : len(log)-1]
}

// steps are up to n things that happen at random.
func (p *pair) steps(random *rand.Rand, n int) func() {
	all := make([]func(), random.IntN(n+1))
	for i := range all {
		switch random.IntN(20) {
		case 0:
			all[i] = func() { _ = p.port.Close() }
		case 1:
			all[i] = p.first.StopOnce
		case 2, 3:
			all[i] = p.second.StopOnce
		default:
			all[i] = func() { p.connect(); p.Step() }
		}
	}
	return func() {
		for _, f := range all {
			f()
		}
	}
}
