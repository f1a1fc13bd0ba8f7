package loop_test

import (
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
)

// A loop does not hold connections that have ended, even if they were many in one turn.
func TestEndedConnectionsAreForgotten(t *testing.T) {
	k := newKernel(t, loop.Config{})
	const n = 1000
	var all []weak.Pointer[loop.Conn]
	for range n {
		p := &noted{}
		p.onMade = func() { all = append(all, weak.Make(p.Transport.(*loop.Conn))) }
		adopted(t, k, p, factory.Socket{}, nil)
	}
	k.Settle()
	each := func(f func(c *loop.Conn)) {
		do(k, func() {
			for _, w := range all {
				f(w.Value())
			}
		})
	}
	each(func(c *loop.Conn) { c.Write([]byte("to all")) })
	each((*loop.Conn).Abort)
	do(k, func() {}) // the last that was called is another
	runtime.GC()
	held := 0
	for _, w := range all {
		if w.Value() != nil {
			held++
		}
	}
	assert.Len(t, all, n)
	assert.LessOrEqual(t, held, 1)
}
