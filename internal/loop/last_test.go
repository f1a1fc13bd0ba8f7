package loop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/protocol"
)

// What is written in Drained leaves before the close that follows it.
func TestLastWriteInDrained(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	p.onData = func([]byte) {
		p.Write([]byte("first "))
		p.Transport.(protocol.Notifier).Drained(func(error) {
			p.Write([]byte("last"))
			p.LoseConnection()
		})
	}
	end := adopted(t, k, p, factory.Socket{}, nil)
	end.Write([]byte("q"))
	k.Settle()
	assert.Equal(t, "first last", string(end.Read()))
	k.Advance(time.Minute)
	assert.Equal(t, protocol.ErrConnectionDone, p.reason)
}

type lastWriter struct {
	*noted
}

func (p *lastWriter) PauseWriting()  {}
func (p *lastWriter) ResumeWriting() { p.Write([]byte("last")); p.CloseWrite() }

// So does what is written in ResumeWriting.
func TestLastWriteInResumeWriting(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	end := adopted(t, k, &lastWriter{noted: p}, factory.Socket{}, nil)
	end.Room(0)
	k.Settle()
	do(k, func() { p.Write(make([]byte, 300<<10)) })
	end.Room(1 << 30)
	k.Settle()
	assert.Len(t, end.Read(), 300<<10+4)
	assert.NoError(t, p.reason)
}

type lateProducer struct {
	notedProducer
	p *noted
}

func (l *lateProducer) ResumeProducing() {
	l.p.Write([]byte("last"))
	l.p.Transport.(protocol.ProducerRegistry).UnregisterProducer()
}

// So does a producer's last write.
func TestLastWriteOfAProducer(t *testing.T) {
	p := sender(t, loop.Config{}, factory.Socket{}, 0)
	do(p.k, func() {
		p.Transport.(protocol.ProducerRegistry).RegisterProducer(&lateProducer{p: p.noted}, true)
		p.Write(make([]byte, 300<<10))
		p.LoseConnection()
	})
	p.end.Room(1 << 30)
	p.k.Settle()
	assert.Len(t, p.end.Read(), 300<<10+4)
}

// So does what is written when the peer has ended its side.
func TestAnswerInDrainedAfterEOF(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	p.onData = func([]byte) {
		p.Transport.(protocol.Notifier).Drained(func(error) {
			p.Write([]byte("last"))
			p.LoseConnection()
		})
	}
	end := adopted(t, k, p, factory.Socket{}, nil)
	end.Write([]byte("q"))
	k.Settle()
	assert.Equal(t, "last", string(end.Read()))
}

// A producer that neither goes on nor ends holds a close no longer than CloseTimeout.
func TestSilentProducerIsTimedOut(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	end := adopted(t, k, p, factory.Socket{}, nil)
	k.Settle()
	do(k, func() {
		p.Transport.(protocol.ProducerRegistry).RegisterProducer(&notedProducer{}, false)
		p.LoseConnection()
	})
	end.CloseWrite()
	k.Advance(24 * time.Hour)
	assert.Error(t, p.reason)
}
