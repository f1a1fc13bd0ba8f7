package loop_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// What a protocol sets of its connection reaches the kernel.
func TestTuningReachesTheKernel(t *testing.T) {
	k, p := newKernel(t, loop.Config{}), &noted{}
	p.onMade = func() {
		tuner, ok := protocol.As[protocol.TCPTuner](p.Transport)
		if assert.True(t, ok) {
			assert.NoError(t, tuner.SetNoDelay(true))
			assert.NoError(t, tuner.SetOOBInline(true))
			assert.NoError(t, tuner.SetKeepAlive(time.Minute))
		}
	}
	end := adopted(t, k, p, factory.Socket{}, nil)
	k.Settle()
	assert.Equal(t, memnet.Options{NoDelay: true, OOBInline: true, KeepAlive: time.Minute}, end.Options())
}

// What is no TCP has no such options, whatever its sockets would take.
func TestUnixSocketsAreNotTuned(t *testing.T) {
	for _, peer := range []net.Addr{nil, &net.UnixAddr{Net: "unix"}} {
		k, p := newKernel(t, loop.Config{}), &noted{}
		p.onMade = func() {
			assert.ErrorIs(t, p.Transport.(protocol.TCPTuner).SetOOBInline(true), errors.ErrUnsupported)
		}
		fd, end := k.Pair(anAddr, peer)
		require.NoError(t, k.Loop.Adopt(fd, peer, factory.Each(func() protocol.Protocol { return p }), factory.Socket{}, nil))
		k.Settle()
		assert.NotNil(t, p.Transport)
		assert.Zero(t, end.Options())
	}
}
