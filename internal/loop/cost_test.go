package loop_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// A quickKernel always has 64 bytes to read, and takes everything.
type quickKernel struct{ *memnet.Kernel }

func (quickKernel) Recv(_ int, p []byte) (int, syscall.Errno) { return min(64, len(p)), 0 }

func (quickKernel) Send(_ int, ps [][]byte) (n int, _ syscall.Errno) {
	for _, p := range ps {
		n += len(p)
	}
	return n, 0
}

// quick returns a loop over such a kernel, and a connection of it.
func quick(t testing.TB, p protocol.Protocol) (l *loop.Loop, fd int) {
	k := memnet.New(loop.Config{})
	l = loop.New(quickKernel{k}, loop.Config{Watchdog: -1})
	leave, err := l.Start()
	require.NoError(t, err)
	t.Cleanup(leave)
	fd, _ = k.Pair(anAddr, anAddr)
	require.NoError(t, l.Adopt(fd, anAddr, factory.Each(func() protocol.Protocol { return p }), factory.Socket{}, nil))
	l.Bell()
	return l, fd
}

// An echoer sends everything back.
type echoer struct{ protocol.Base }

func (e *echoer) DataReceived(data []byte) { e.Write(data) }

// A turn that reads and answers allocates nothing.
func TestATurnAllocatesNothing(t *testing.T) {
	if debugBuild {
		t.Skip("the checks of debug builds allocate")
	}
	l, fd := quick(t, &echoer{})
	assert.Zero(t, testing.AllocsPerRun(1000, func() { l.Event(fd, loop.In) }))
	assert.GreaterOrEqual(t, l.Figures().BytesWritten, int64(64_000))
}

// What an echo costs besides the system calls.
func BenchmarkTurn(b *testing.B) {
	l, fd := quick(b, &echoer{})
	b.ReportAllocs()
	for b.Loop() {
		l.Event(fd, loop.In)
	}
}

// One posted call, and the bell for it.
func BenchmarkCall(b *testing.B) {
	l, _ := quick(b, &echoer{})
	f := func() {}
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Call(f)
		l.Bell()
	}
}
