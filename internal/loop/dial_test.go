package loop_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// A slowDialler takes its time to connect to a name, and to see that it is cancelled.
type slowDialler struct {
	*memnet.Kernel
	dialling chan struct{}
	done     atomic.Bool
}

func (d *slowDialler) Dial(ctx context.Context, _, _ string, _ factory.Socket) (int, error) {
	close(d.dialling)
	<-ctx.Done()
	for range 1000 {
		runtime.Gosched()
	}
	d.done.Store(true)
	return -1, ctx.Err()
}

// A loop that has ended has no goroutine that connects to a name.
func TestNoDialOutlivesTheLoop(t *testing.T) {
	d := &slowDialler{Kernel: memnet.New(loop.Config{}), dialling: make(chan struct{})}
	d.Loop = loop.New(d, loop.Config{Watchdog: -1})
	leave, err := d.Loop.Start()
	require.NoError(t, err)
	defer leave()
	d.Loop.Connect("tcp", "example.net:7", factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
	d.Settle()
	<-d.dialling
	d.Loop.Stop()
	d.Settle()
	assert.True(t, d.Loop.Finished())
	assert.True(t, d.done.Load())
}
