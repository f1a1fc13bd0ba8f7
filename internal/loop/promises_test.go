package loop_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// The head of an adopted connection comes first, also when the connection breaks at once.
func TestHeadComesBeforeLastWords(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	p.onMade = func() { p.Write(make([]byte, 20000)) }
	end := adopted(t, k, p, factory.Socket{}, []byte("head"))
	end.Write([]byte("tail"))
	end.Reset()
	k.Settle()
	assert.Equal(t, []string{"data head", "data tail", "lost"}, p.log)
}

type pacedNoted struct{ *noted }

func (p pacedNoted) Shutdown()      { p.log = append(p.log, "shutdown") }
func (p pacedNoted) PauseWriting()  { p.log = append(p.log, "pause") }
func (p pacedNoted) ResumeWriting() { p.log = append(p.log, "resume") }

// After LoseConnection no event comes but the last.
func TestNoEventAfterLoseConnection(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	p.onMade = func() { p.Write(make([]byte, 1<<20)); p.LoseConnection() }
	end := adopted(t, k, pacedNoted{p}, factory.Socket{}, nil)
	end.Room(0)
	k.Settle()
	k.Loop.Stop()
	k.Settle()
	end.Room(1 << 30)
	k.Settle()
	end.Reset()
	k.Settle()
	assert.Equal(t, []string{"lost"}, p.log)
}

// LocalAddr is valid in ConnectionLost, a client's too.
func TestLocalAddrStaysValid(t *testing.T) {
	k := newKernel(t, loop.Config{})
	_, err := k.Loop.Listen("tcp", "127.0.0.1:7000", factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
	require.NoError(t, err)
	p := &noted{}
	var a net.Addr = anAddr
	p.onLost = func(error) { a = p.LocalAddr() }
	k.Loop.Connect("tcp", "127.0.0.1:7000", factory.Each(func() protocol.Protocol { return p }), factory.Socket{})
	k.Settle()
	do(k, func() { p.LoseConnection() })
	k.Advance(time.Minute)
	require.Error(t, p.reason)
	assert.NotNil(t, a)
}

// Where the port has an address it is that of its connections, at no cost; where it
// has a wildcard, each has its own, and those that are the same are kept once.
func TestLocalAddrIsThePorts(t *testing.T) {
	k := newKernel(t, loop.Config{})
	served := &noted{}
	port, err := k.Loop.Listen("tcp", "127.0.0.1:7000", factory.Each(func() protocol.Protocol { return served }), factory.Socket{})
	require.NoError(t, err)
	k.Loop.Connect("tcp", "127.0.0.1:7000", factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
	k.Settle()
	do(k, func() {
		assert.Same(t, port.Addr(), served.LocalAddr())
		assert.Zero(t, testing.AllocsPerRun(10, func() { served.LocalAddr() }))
	})
	var all []*noted
	_, err = k.Loop.Listen("tcp", "0.0.0.0:7001", factory.Each(func() protocol.Protocol {
		all = append(all, &noted{})
		return all[len(all)-1]
	}), factory.Socket{})
	require.NoError(t, err)
	for _, to := range []string{"127.0.0.1:7001", "127.0.0.1:7001", "127.0.0.2:7001"} {
		k.Loop.Connect("tcp", to, factory.Each(func() protocol.Protocol { return &noted{} }), factory.Socket{})
		k.Settle()
	}
	do(k, func() {
		assert.Equal(t, "127.0.0.1:7001", all[0].LocalAddr().String())
		assert.Same(t, all[0].LocalAddr(), all[1].LocalAddr())
		assert.Equal(t, "127.0.0.2:7001", all[2].LocalAddr().String())
	})
}

// A Drained that always asks for the next holds up nobody.
func TestDrainedChainLetsOthersRun(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &noted{}
	adopted(t, k, p, factory.Socket{}, nil)
	k.Settle()
	n, at := 0, -1
	var next func(error)
	next = func(error) {
		if n++; n < 100_000 {
			p.Write([]byte("x"))
			p.Transport.(protocol.Notifier).Drained(next)
		}
	}
	_ = k.Loop.Call(func() { next(nil) })
	_ = k.Loop.Call(func() { at = n })
	k.Settle()
	assert.Less(t, at, 1000)
}

// Work that was accepted runs, also in the last moment of a stop.
func TestAcceptedWorkRuns(t *testing.T) {
	for range 200 {
		k := memnet.New(loop.Config{Watchdog: -1})
		leave, _ := k.Loop.Start()
		var err error
		ran := make(chan bool, 1)
		k.Loop.Stop()
		_ = k.Loop.Call(func() { err = k.Loop.Work(func() { ran <- true }) })
		k.Settle()
		leave()
		if !k.Loop.Finished() {
			continue
		}
		if err == nil {
			select {
			case <-ran:
			case <-time.After(time.Minute):
				t.Fatal("Work answered nil and the job never ran")
			}
		}
	}
}

// A test's EOF comes behind what the protocol has not read yet.
func TestEOFFollowsTheInput(t *testing.T) {
	n := 0
	p := &noted{}
	p.onMade = func() { p.PauseReading() }
	p.onData = func(b []byte) { n += len(b) }
	tr := protocoltest.Connect(p)
	tr.Receive(string(make([]byte, 100<<10)))
	tr.EOF()
	tr.Do(func() { p.ResumeReading() })
	assert.Equal(t, 100<<10, n)
}
