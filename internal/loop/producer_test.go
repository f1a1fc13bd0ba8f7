package loop_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/protocol"
)

type notedProducer struct{ log []string }

func (p *notedProducer) ResumeProducing() { p.log = append(p.log, "resume") }
func (p *notedProducer) PauseProducing()  { p.log = append(p.log, "pause") }
func (p *notedProducer) StopProducing()   { p.log = append(p.log, "stop") }

// A producer that follows one that was paused is paused.
func TestSecondProducerIsPaused(t *testing.T) {
	p := sender(t, loop.Config{}, factory.Socket{}, 0)
	one, two := &notedProducer{}, &notedProducer{}
	do(p.k, func() {
		require.NoError(t, p.Transport.(protocol.ProducerRegistry).RegisterProducer(one, true))
		p.Write(make([]byte, 300<<10))
	})
	assert.Equal(t, []string{"pause"}, one.log)
	do(p.k, func() {
		p.Transport.(protocol.ProducerRegistry).UnregisterProducer()
		require.NoError(t, p.Transport.(protocol.ProducerRegistry).RegisterProducer(two, true))
		p.Write(make([]byte, 300<<10))
	})
	assert.Equal(t, []string{"pause"}, two.log, "unregistered while paused, the next is not paused")
}

// A producer that is registered while the output is full is what is paused from then on.
func TestProducerTakesOverThePause(t *testing.T) {
	p := sender(t, loop.Config{}, factory.Socket{}, 0)
	one := &notedProducer{}
	do(p.k, func() {
		p.Write(make([]byte, 300<<10))
		require.NoError(t, p.Transport.(protocol.ProducerRegistry).RegisterProducer(one, true))
		p.Write(make([]byte, 300<<10))
	})
	assert.Equal(t, []string{"pause"}, one.log)
}

// When a producer leaves the output full, reading stops again.
func TestPauseReturnsAfterTheProducer(t *testing.T) {
	p := sender(t, loop.Config{}, factory.Socket{}, 0)
	do(p.k, func() {
		require.NoError(t, p.Transport.(protocol.ProducerRegistry).RegisterProducer(&notedProducer{}, true))
		p.Write(make([]byte, 300<<10))
		p.Transport.(protocol.ProducerRegistry).UnregisterProducer()
	})
	p.onData = func(b []byte) { p.Write(b) }
	most := 0
	for range 100 {
		p.end.Write(make([]byte, 60<<10))
		p.k.Settle()
		do(p.k, func() { most = max(most, p.Buffered()) })
	}
	assert.Less(t, most, 600<<10)
}
