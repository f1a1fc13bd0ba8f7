package loop_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

func remoteOf(k *memnet.Kernel, p *noted) (r *protocol.Remote) {
	do(k, func() { r = protocol.NewRemote(p.Transport) })
	return r
}

// A goroutine may abort a connection whose close hangs.
func TestRemoteAbortEndsAClose(t *testing.T) {
	p := sender(t, loop.Config{}, factory.Socket{}, 0)
	r := remoteOf(p.k, p.noted)
	_, err := r.Write([]byte("x"))
	require.NoError(t, err)
	r.LoseConnection()
	p.k.Settle()
	assert.NoError(t, p.reason)
	r.Abort()
	p.k.Settle()
	assert.ErrorIs(t, p.reason, protocol.ErrConnectionAborted)
}

// A negative MaxBacklog is no limit for a Remote either.
func TestRemoteWithoutLimit(t *testing.T) {
	p := sender(t, loop.Config{}, factory.Socket{MaxBacklog: -1}, 0)
	r := remoteOf(p.k, p.noted)
	_, err := r.Write([]byte("x"))
	require.NoError(t, err)
	_, err = r.Write([]byte("x"))
	assert.NoError(t, err)
}

// What a Remote has accepted does not end the connection, whatever the protocol had queued.
func TestRemoteWriteOfAnySize(t *testing.T) {
	p := sender(t, loop.Config{}, factory.Socket{}, 0)
	r := remoteOf(p.k, p.noted)
	p.onData = func([]byte) { p.Write([]byte("own")) }
	p.end.Write([]byte("q"))
	p.k.Settle()
	_, err := r.Write(make([]byte, 2<<20))
	require.NoError(t, err)
	p.k.Settle()
	assert.NoError(t, p.reason, "Write answered nil, and then killed the connection")
}

// A Drained that is asked in the last calls of all is answered.
func TestDrainedInTheLastCalls(t *testing.T) {
	k := newKernel(t, loop.Config{DrainTimeout: -1})
	p := &noted{}
	adopted(t, k, p, factory.Socket{}, nil)
	k.Settle()
	r := remoteOf(k, p)
	flushed := make(chan error, 1)
	p.onLost = func(error) {
		asked := k.Loop.Figures().Calls
		go func() { flushed <- r.Flush(context.Background()) }()
		for k.Loop.Figures().Calls == asked { // it is one of the last calls
			runtime.Gosched()
		}
	}
	k.Loop.Stop()
	k.Loop.Stop()
	k.Settle()
	require.True(t, k.Loop.Finished())
	select {
	case err := <-flushed:
		assert.Error(t, err)
	case <-time.After(time.Minute):
		t.Fatal("Flush waits for ever")
	}
}
