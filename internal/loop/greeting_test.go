package loop_test

import (
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// A placeKernel notes from where is sent.
type placeKernel struct {
	*memnet.Kernel
	from []*byte
}

func (p *placeKernel) Send(fd int, ps [][]byte) (int, syscall.Errno) {
	p.from = append(p.from, unsafe.SliceData(ps[0]))
	return p.Kernel.Send(fd, ps)
}

// A connection that was posted to the loop, by another loop or a goroutine, greets from
// the loop's own buffer, as it answers later.
func TestPostedConnectionGreetsFromScratch(t *testing.T) {
	k := &placeKernel{Kernel: memnet.New(loop.Config{})}
	k.Loop = loop.New(k, loop.Config{Watchdog: -1})
	leave, err := k.Loop.Start()
	require.NoError(t, err)
	defer leave()
	p := &noted{}
	p.onMade = func() { p.Write([]byte("welcome")) }
	p.onData = func([]byte) { p.Write([]byte("bye")) }
	fd, end := k.Pair(anAddr, anAddr)
	require.NoError(t, k.Loop.Adopt(fd, anAddr, factory.Each(func() protocol.Protocol { return p }), factory.Socket{}, nil))
	k.Settle()
	assert.Equal(t, "welcome", string(end.Read()))
	end.Write([]byte("x"))
	k.Settle()
	assert.Equal(t, "bye", string(end.Read()))
	require.Len(t, k.from, 2)
	assert.Same(t, k.from[1], k.from[0])
}
