package reactor_test

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

type exiter struct{ protocol.Base }

func (e *exiter) DataReceived([]byte)  {}
func (e *exiter) ConnectionLost(error) { runtime.Goexit() }

// Callbacks that end the goroutine one after the other leave nothing open.
func TestGoexitTwice(t *testing.T) {
	before := descriptors(t)
	r, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	port, err := r.Listen("tcp", "127.0.0.1:0", factory.Each(func() protocol.Protocol { return &exiter{} }))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	var conns []net.Conn
	for range 4 {
		conns = append(conns, dial(t, port.Addr()))
	}
	require.Eventually(t, func() bool { return r.Stats().Connections == 4 }, patient, time.Millisecond)
	conns[0].Close()
	assert.ErrorContains(t, wait(t, ended), "exiter")
	for _, c := range conns {
		c.Close()
	}
	got := make(chan reactor.Stats, 1)
	go func() { got <- r.Stats() }()
	assert.Zero(t, wait(t, got).Connections)
	assert.LessOrEqual(t, descriptors(t), before)
}

// A sleeper is a connection with a coroutine, which ends the goroutine at the
// second word.
type sleeper struct {
	protocol.Base
	word  *deferred.Deferred[[]byte]
	ended chan<- error
}

func (s *sleeper) ConnectionMade(t protocol.Transport) {
	s.word = deferred.New[[]byte](t.Loop())
	deferred.RunOn(t, func(c *deferred.Coroutine) error {
		for range 2 {
			word, err := deferred.Wait(c, s.word)
			if err != nil {
				return err
			}
			s.word = deferred.New[[]byte](t.Loop())
			t.Write(word)
		}
		runtime.Goexit()
		return nil
	}).Done(func(_ struct{}, err error) { s.ended <- err })
}

func (s *sleeper) DataReceived(data []byte) { s.word.Fire(data, nil) }

// A coroutine that ends its goroutine ends Run as a callback does. The others are
// told, and leave no stack.
func TestGoexitInACoroutine(t *testing.T) {
	before, goroutines := descriptors(t), runtime.NumGoroutine()
	r, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	const others = 10
	told := make(chan error, others+1)
	port, err := r.Listen("tcp", "127.0.0.1:0", factory.Each(func() protocol.Protocol { return &sleeper{ended: told} }))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	var conns []net.Conn
	for range others + 1 {
		c := dial(t, port.Addr())
		require.True(t, echoes(c, patient))
		conns = append(conns, c)
	}
	_, err = conns[0].Write([]byte("x"))
	require.NoError(t, err)
	assert.ErrorContains(t, wait(t, ended), "Goexit")
	for range others {
		assert.ErrorIs(t, wait(t, told), deferred.ErrCancelled)
	}
	assert.Empty(t, told, "one never came to its end")
	for _, c := range conns {
		c.Close()
	}
	assert.LessOrEqual(t, descriptors(t), before)
	few := func() bool { return runtime.NumGoroutine() <= goroutines+1 } // Eventually has one, too
	assert.Eventually(t, few, patient, time.Millisecond)
}

// A factory that ends the goroutine leaves no socket.
func TestGoexitInBuildProtocol(t *testing.T) {
	before := descriptors(t)
	r, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	port, err := r.Listen("tcp", "127.0.0.1:0", factory.Each(func() protocol.Protocol { runtime.Goexit(); return nil }))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	c := dial(t, port.Addr())
	assert.ErrorContains(t, wait(t, ended), "Goexit")
	c.Close()
	assert.LessOrEqual(t, descriptors(t), before)
}

type exitStarter struct{ factory.Factory }

func (*exitStarter) StartFactory() error { return nil }
func (*exitStarter) StopFactory()        { runtime.Goexit() }

// Nor does a Shutdown that does leave a port.
func TestGoexitWhileDraining(t *testing.T) {
	before := descriptors(t)
	r, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	for range 3 {
		_, err := r.Listen("tcp", "127.0.0.1:0", &exitStarter{factory.Each(func() protocol.Protocol { return &exiter{} })})
		require.NoError(t, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	r.Stop()
	assert.ErrorContains(t, wait(t, ended), "Goexit")
	assert.LessOrEqual(t, descriptors(t), before)
}

// The clock of a reactor that has ended touches nothing of another.
func TestClockAfterTheEnd(t *testing.T) {
	old, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	old.Stop()
	require.NoError(t, old.Run(context.Background()))
	r := start(t, reactor.Config{}) // gets the same numbers
	fired := make(chan bool, 1)
	on(t, r, func() bool { r.AfterFunc(100*time.Millisecond, func() { fired <- true }); return true })
	old.AfterFunc(time.Hour, func() {})
	assert.True(t, wait(t, fired), "the timer of another reactor was moved by an hour")
}

// Stats may be asked for while Run begins.
func TestStatsWhileStarting(t *testing.T) {
	for range 300 {
		r, err := reactor.New(reactor.Config{})
		require.NoError(t, err)
		for range 20 {
			_ = r.Call(func() {})
		}
		go func() {
			for range 50 {
				r.Stats()
			}
			r.Stop()
		}()
		require.NoError(t, r.Run(context.Background()))
	}
}

// The end of the context after a Stop does not cut the drain short.
func TestEndOfContextAfterStopDrains(t *testing.T) {
	r, err := reactor.New(reactor.Config{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan func(), 1)
	r.BeforeShutdown(func(done func()) { asked <- done })
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.Stop()
	done := wait(t, asked)
	cancel()
	select {
	case <-ended:
		t.Error("the end of ctx after one Stop counts as the second Stop")
	case <-time.After(50 * time.Millisecond): // it would have come by then, most likely
	}
	done()
	assert.NoError(t, wait(t, ended))
}
