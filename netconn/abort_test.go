package netconn_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

// Abort ends a connection so that the peer does not take it for the end of a stream.
func TestAbortIsNoEnd(t *testing.T) {
	inEach(t, func(t *testing.T, r reactortest.Reactor) {
		ours, theirs := pair(t, r)
		abort := ours.(interface{ Abort() error }).Abort
		reading := async(read(ours))
		require.NoError(t, abort())
		requireOp(t, wait(t, reading), "read", net.ErrClosed)
		err := read(theirs)()
		require.True(t, protocol.IsReset(err), "%v", err)
		requireOp(t, abort(), "close", net.ErrClosed)
		requireOp(t, ours.Close(), "close", net.ErrClosed)
	})
}
