package loop_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
)

// The others of a crew read figures that are 32 turns old at the most, or those of the
// moment when somebody asked before, and in the end the last.
func TestFiguresArePublished(t *testing.T) {
	crew := &loop.Crew{}
	newKernel(t, loop.Config{Crew: crew})
	k := newKernel(t, loop.Config{Crew: crew})
	s := &server{Kernel: k}
	var err error
	s.port, err = k.Loop.Listen("tcp", "127.0.0.1:7", s, factory.Socket{})
	require.NoError(t, err)
	s.connect(3)
	assert.Equal(t, 6, k.Loop.Published().Connections, "both ends; nobody has to be asked for that")
	k.Settle()
	now := k.Loop.Published()
	assert.Equal(t, int64(3), now.Accepted)
	assert.Equal(t, 1, now.Ports)
	k.Settle()

	for range 100 {
		do(k, func() {})
	}
	assert.Less(t, k.Loop.Figures().Turns-k.Loop.Published().Turns, uint64(32))
	k.Settle()

	k.Loop.Stop()
	k.Loop.Stop()
	k.Settle()
	require.True(t, k.Loop.Finished())
	assert.Equal(t, k.Loop.Figures(), k.Loop.Published())
	assert.Zero(t, k.Loop.Published().Ports)
}

// What the others of a crew read at every accept shares no cache line with what
// changes in every turn.
func TestCountOfConnectionsIsApart(t *testing.T) {
	f, ok := reflect.TypeFor[loop.Loop]().FieldByName("conns")
	require.True(t, ok)
	n, ok := f.Type.FieldByName("Int64")
	require.True(t, ok)
	assert.GreaterOrEqual(t, n.Offset, uintptr(64))
	assert.GreaterOrEqual(t, f.Type.Size()-n.Offset, uintptr(64))
}
