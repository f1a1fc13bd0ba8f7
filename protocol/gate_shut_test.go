package protocol_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A Gate that is shut by a producer, when the connection is closing and waits for
// that, goes on where it was: the end still comes behind what the producer writes
// until it is unregistered.
func TestGateIsShutWhileAProducerEnds(t *testing.T) {
	for name, end := range map[string]func(b *bare){
		"LoseConnection": func(b *bare) { b.LoseConnection() },
		"CloseWrite":     func(b *bare) { b.CloseWrite() },
	} {
		for _, streaming := range []bool{false, true} {
			b, more := &bare{}, &resumed{}
			g := protocol.Stack(&struct{ protocol.Gate }{}, b)
			tr := protocoltest.Connect(g)
			times := 0
			more.f = func() {
				if times++; times == 1 {
					g.Shut()
					g.Open(func(p []byte) { g.Below.Write(p) })
				}
				fmt.Fprint(b, times)
				if times == 3 || streaming {
					fmt.Fprint(b, "end")
					g.UnregisterProducer()
				}
			}
			tr.Do(func() {
				assert.NoError(t, g.RegisterProducer(more, streaming))
				assert.Equal(t, protocol.ErrProducer, g.RegisterProducer(more, streaming))
				end(b)
				if streaming {
					more.f()
				}
			})
			want := "123end"
			if streaming {
				want = "1end"
			}
			assert.Equal(t, want, tr.Take(), "%s, %v", name, streaming)
			assert.True(t, tr.Closed())
			assert.Empty(t, more.take(), "it ended by itself")
			tr.EOF()
			assert.Equal(t, protocol.ErrConnectionDone, tr.Lost())
		}
	}
}
