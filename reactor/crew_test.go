package reactor_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/reactor"
)

// meet runs f on each loop of a pool of two, while the other is in a turn, too.
func meet(t *testing.T, pool *reactor.Pool, f func(mine, other *reactor.Reactor)) {
	t.Helper()
	rs := pool.Reactors()
	there := []chan struct{}{make(chan struct{}), make(chan struct{})}
	done := make(chan struct{}, 2)
	for i, r := range rs {
		require.NoError(t, r.Call(func() {
			close(there[i])
			<-there[1-i]
			f(r, rs[1-i])
			done <- struct{}{}
		}))
	}
	wait(t, done)
	wait(t, done)
}

// Two loops that ask for each other's figures do not wait for each other, and hear what
// they are the second time at the latest.
func TestFiguresOfAPoolAreToldOnEveryLoop(t *testing.T) {
	pool := runPool(t, 2, reactor.Config{})
	port, err := pool.Listen("tcp", "127.0.0.1:0", same(serving(probe{data: echo})))
	require.NoError(t, err)
	for range 10 {
		require.True(t, echoes(dial(t, port.Addr()), patient))
	}
	meet(t, pool, func(mine, other *reactor.Reactor) {
		assert.Equal(t, 10, pool.Stats().Connections)
		other.Stats()
	})
	pool.Stats() // what they have asked for is done
	meet(t, pool, func(mine, other *reactor.Reactor) {
		s := pool.Stats()
		assert.Equal(t, 10, s.Connections)
		assert.EqualValues(t, 10, s.Accepted)
		assert.Equal(t, 2, s.Ports)
		assert.NotZero(t, other.Stats().Accepted)
	})
}

// A port of one loop may be closed on another, whatever that one does meanwhile.
func TestPortsOfOneLoopMayBeClosedOnAnother(t *testing.T) {
	pool := runPool(t, 2, reactor.Config{})
	ports := make(map[*reactor.Reactor]factory.Port)
	for _, r := range pool.Reactors() {
		ports[r] = listen(t, r, serving(probe{}))
	}
	meet(t, pool, func(mine, other *reactor.Reactor) {
		assert.NoError(t, ports[other].Close())
		assert.NoError(t, ports[other].Close())
	})
	assert.Zero(t, pool.Stats().Ports)
}
