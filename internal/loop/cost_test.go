package loop_test

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/internal/socket"
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

// quickLoop returns a loop over such a kernel.
func quickLoop(t testing.TB) (*loop.Loop, *memnet.Kernel) {
	k := memnet.New(loop.Config{})
	l := loop.New(quickKernel{k}, loop.Config{Watchdog: -1})
	leave, err := l.Start()
	require.NoError(t, err)
	t.Cleanup(leave)
	return l, k
}

// adoptQuick gives p a connection of l and returns its descriptor.
func adoptQuick(t testing.TB, l *loop.Loop, k *memnet.Kernel, p protocol.Protocol) int {
	fd, _ := k.Pair(anAddr, anAddr)
	require.NoError(t, l.Adopt(fd, anAddr, factory.Each(func() protocol.Protocol { return p }), factory.Socket{}, nil))
	l.Bell()
	return fd
}

// quick returns a loop over such a kernel, and a connection of it.
func quick(t testing.TB, p protocol.Protocol) (l *loop.Loop, fd int) {
	l, k := quickLoop(t)
	return l, adoptQuick(t, l, k, p)
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

// A posted call allocates nothing of its own.
func TestACallAllocatesNothing(t *testing.T) {
	if debugBuild {
		t.Skip("the checks of debug builds allocate")
	}
	l, _ := quick(t, &echoer{})
	ran := 0
	f := func() { ran++ }
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = l.Call(f)
		l.Bell()
	}))
	assert.Equal(t, 1001, ran)
}

// A write by another goroutine's handle allocates what BenchmarkRemoteWrite says, and
// no room for its bytes.
func TestARemoteWriteReusesItsRoom(t *testing.T) {
	if debugBuild {
		t.Skip("the checks of debug builds allocate")
	}
	e := &echoer{}
	l, _ := quick(t, e)
	var remote *protocol.Remote
	require.NoError(t, l.Call(func() { remote = protocol.NewRemote(e.Transport) }))
	l.Bell()
	data := make([]byte, 64)
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, func() {
		_, _ = remote.Write(data)
		l.Bell()
	}), 2.0)
	assert.EqualValues(t, 1001*64, l.Figures().BytesWritten)
}

// What an echo costs besides the system calls.
func BenchmarkTurn(b *testing.B) {
	l, fd := quick(b, &echoer{})
	b.ReportAllocs()
	for b.Loop() {
		l.Event(fd, loop.In)
	}
}

// What settling costs: a turn that writes to 200 others, and the bell at which they are sent to.
func BenchmarkSettle200(b *testing.B) {
	var room []*echoer
	said := []byte("a line of ordinary length\r\n")
	say := func() {
		for _, e := range room {
			e.Write(said)
		}
	}
	l, k := quickLoop(b)
	for range 200 {
		e := &echoer{}
		adoptQuick(b, l, k, e)
		room = append(room, e)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Call(say)
		l.Bell()
	}
}

// The same where the 200 are lent the bytes: each has a chunk of 64 bytes that refers
// to them, until the bell.
func BenchmarkShare200(b *testing.B) {
	var room []protocol.SharedWriter
	said := []byte("a line of ordinary length\r\n")
	say := func() {
		for _, w := range room {
			_, _ = w.WriteShared(said)
		}
	}
	l, k := quickLoop(b)
	for range 200 {
		e := &echoer{}
		adoptQuick(b, l, k, e)
		room = append(room, e.Transport.(protocol.SharedWriter))
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Call(say)
		l.Bell()
	}
}

// A write by another goroutine's handle, moved to the loop and sent. Two allocations are
// left, of the Drained that follows how much the peer has yet to take: its closure,
// which says how much this write was, and its place in the connection's list, which
// is given up when it is empty so that an idle connection has none.
func BenchmarkRemoteWrite(b *testing.B) {
	e := &echoer{}
	l, k := quickLoop(b)
	adoptQuick(b, l, k, e)
	var remote *protocol.Remote
	_ = l.Call(func() { remote = protocol.NewRemote(e.Transport) })
	l.Bell()
	data := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = remote.Write(data)
		l.Bell()
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

// A quickMail always has a batch of datagrams, or as many as it is told, and takes
// everything.
type quickMail struct {
	*memnet.Kernel
	from         netip.AddrPort
	sends, recvs int
	has          int           // of datagrams, for each receive; 0: no limit
	behind       syscall.Errno // is answered beside them, once
	room         int           // bytes that there are for each; 0: whatever
	wrong        int           // datagrams that there was another room for
}

func (q *quickMail) RecvDatagrams(_ int, ms []socket.Datagram) (int, syscall.Errno) {
	q.recvs++
	for i := range ms {
		if q.room != 0 && len(ms[i].Data) != q.room {
			q.wrong++
		}
	}
	if q.has > 0 {
		ms = ms[:min(len(ms), q.has)]
	}
	for i := range ms {
		ms[i].Data, ms[i].Addr = ms[i].Data[:64], q.from
	}
	e := q.behind
	q.behind = 0
	return len(ms), e
}

func (q *quickMail) SendDatagrams(_ int, ms []socket.Datagram) (int, syscall.Errno) {
	q.sends++
	return len(ms), 0
}

type datagramEcho struct{ protocol.DatagramBase }

func (e *datagramEcho) DatagramReceived(data []byte, from netip.AddrPort) { e.WriteTo(data, from) }

func quickPort(t testing.TB) (l *loop.Loop, q *quickMail, fd int) {
	q = &quickMail{Kernel: memnet.New(loop.Config{}), from: netip.MustParseAddrPort("127.0.0.1:9")}
	l = loop.New(q, loop.Config{Watchdog: -1})
	leave, err := l.Start()
	require.NoError(t, err)
	t.Cleanup(leave)
	_, err = l.OpenDatagram("udp4", "127.0.0.1:7", false, &datagramEcho{}, factory.Socket{})
	require.NoError(t, err)
	l.Bell()
	return l, q, 0
}

// A batch that is echoed allocates nothing, is one receive and one send, and 32 turns
// and the one that sends.
func TestABatchAllocatesNothing(t *testing.T) {
	l, q, fd := quickPort(t)
	sends, turns := q.sends, l.Figures().Turns
	l.Event(fd, loop.In)
	assert.Equal(t, sends+1, q.sends)
	assert.Equal(t, turns+socket.Batch+1, l.Figures().Turns)
	assert.Equal(t, int64(socket.Batch*64), l.Figures().BytesWritten)
	if debugBuild {
		t.Skip("the checks of debug builds allocate")
	}
	assert.Zero(t, testing.AllocsPerRun(1000, func() { l.Event(fd, loop.In) }))
}

// Fewer datagrams than asked for are the last: nobody asks for what is not there, unless
// an error was behind them. All that were asked for had their room.
func TestFewDatagramsAreTheLast(t *testing.T) {
	l, q, big := quickPort(t)
	_, err := l.OpenDatagram("udp4", "127.0.0.1:8", false, &datagramEcho{}, factory.Socket{MaxDatagram: 100})
	require.NoError(t, err)
	l.Bell()
	small := big + 1
	for _, has := range []int{3, 1, 31, 2} {
		q.has = has
		for fd, room := range map[int]int{big: 1<<16 - 1, small: 100} {
			for range 2 {
				recvs, written := q.recvs, l.Figures().BytesWritten
				q.room = room
				l.Event(fd, loop.In)
				assert.Equal(t, 1, q.recvs-recvs)
				assert.EqualValues(t, 64*has, l.Figures().BytesWritten-written)
			}
		}
	}
	assert.Zero(t, q.wrong)
	recvs, written := q.recvs, l.Figures().BytesWritten
	q.room, q.behind = 100, syscall.EHOSTUNREACH
	l.Event(small, loop.In)
	assert.Equal(t, 2, q.recvs-recvs)
	assert.EqualValues(t, 64*2*2, l.Figures().BytesWritten-written)
}

// What one echoed datagram costs besides the system calls.
func BenchmarkOneDatagram(b *testing.B) {
	l, q, fd := quickPort(b)
	q.has = 1
	b.ReportAllocs()
	for b.Loop() {
		l.Event(fd, loop.In)
	}
}

// What 32 echoed datagrams cost besides the system calls.
func BenchmarkBatch(b *testing.B) {
	l, _, fd := quickPort(b)
	b.ReportAllocs()
	for b.Loop() {
		l.Event(fd, loop.In)
	}
}
