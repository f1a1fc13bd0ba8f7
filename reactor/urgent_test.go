package reactor_test

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// Urgent data that nobody reads costs no turns.
func TestUrgentDataDoesNotSpin(t *testing.T) {
	for _, inline := range []bool{false, true} {
		r := start(t, reactor.Config{Socket: factory.Socket{OOBInline: inline}})
		port := listen(t, r, factory.Each(func() protocol.Protocol { return &silent{} }))
		c := dial(t, port.Addr())
		urgent(t, c, "a")
		turns := make(chan uint64, 2)
		on(t, r, func() bool {
			r.AfterFunc(50*time.Millisecond, func() { turns <- r.Stats().Turns })
			r.AfterFunc(150*time.Millisecond, func() { turns <- r.Stats().Turns })
			return true
		})
		n := wait(t, turns)
		assert.Less(t, wait(t, turns)-n, uint64(50))
	}
}

// Urgent data stands in the stream where it was sent if the protocol wants it so,
// and is taken out of it if not.
func TestUrgentDataInItsPlace(t *testing.T) {
	for inline, want := range map[bool]string{true: "a!b", false: "ab"} {
		r := start(t, reactor.Config{})
		heard := make(chan string, 1)
		all := ""
		port := listen(t, r, serving(probe{
			made: func(tr protocol.Transport) {
				tuner, ok := protocol.As[protocol.TCPTuner](tr)
				assert.True(t, ok)
				assert.NoError(t, tuner.SetOOBInline(inline))
			},
			data: func(_ protocol.Transport, data []byte) { all += string(data) },
			lost: func(error) { heard <- all },
		}))
		c := dial(t, port.Addr())
		_, err := io.WriteString(c, "a")
		require.NoError(t, err)
		urgent(t, c, "!")
		_, err = io.WriteString(c, "b")
		require.NoError(t, err)
		require.NoError(t, c.CloseWrite())
		assert.Equal(t, want, wait(t, heard))
	}
}

// urgent sends a byte as urgent data.
func urgent(t *testing.T, c *net.TCPConn, b string) {
	t.Helper()
	raw, err := c.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { err = syscall.Sendto(int(fd), []byte(b), syscall.MSG_OOB, nil) }))
	require.NoError(t, err)
}

type silent struct{ protocol.Base }

func (e *silent) DataReceived([]byte) {}
