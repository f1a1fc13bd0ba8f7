package loop_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// A mailbox notes what a port hears.
type mailbox struct {
	protocol.DatagramBase
	log    []string
	onData func(data []byte, from netip.AddrPort)
	onErr  func()
	reason error
}

func (m *mailbox) DatagramReceived(data []byte, from netip.AddrPort) {
	m.log = append(m.log, string(data))
	if m.onData != nil {
		m.onData(data, from)
	}
}

func (m *mailbox) ErrorReceived(err error) {
	m.log = append(m.log, "error: "+err.(*net.OpError).Unwrap().Error())
	if m.onErr != nil {
		m.onErr()
	}
}

func (m *mailbox) StopProtocol(reason error) { m.reason = reason }

// mail opens a port; a number is that of a port to connect to.
func mail(t testing.TB, k *memnet.Kernel, network string, connect bool, addr string, p protocol.DatagramProtocol, s factory.Socket) factory.Port {
	t.Helper()
	port, err := k.Loop.OpenDatagram(network, addr, connect, p, s)
	require.NoError(t, err)
	k.Settle()
	return port
}

// letters is a server on udp4 port 7, and a client of it.
func letters(t testing.TB, k *memnet.Kernel, s factory.Socket) (server, client *mailbox) {
	server, client = &mailbox{}, &mailbox{}
	mail(t, k, "udp4", false, "127.0.0.1:7", server, factory.Socket{})
	mail(t, k, "udp4", true, "127.0.0.1:7", client, s)
	return server, client
}

func say(m *mailbox, words ...string) func() {
	return func() {
		for _, s := range words {
			_, _ = m.Write([]byte(s))
		}
	}
}

// What the kernel has no room for waits, for an event or a while, and keeps its order.
func TestDatagramsWaitForRoom(t *testing.T) {
	for name, faults := range map[string][]syscall.Errno{
		"full":          {0, syscall.EAGAIN},
		"full at once":  {syscall.EAGAIN},
		"no buffers":    {0, syscall.ENOBUFS, syscall.ENOBUFS},
		"falsely ready": {syscall.EAGAIN, syscall.EAGAIN, syscall.EAGAIN, 0, syscall.EAGAIN},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, loop.Config{})
			server, client := letters(t, k, factory.Socket{})
			k.Faults.SendDatagrams = faults
			do(k, say(client, "a", "b", "c"))
			do(k, say(client, "d"))
			k.Advance(time.Second)
			assert.Equal(t, []string{"a", "b", "c", "d"}, server.log)
			assert.Empty(t, client.log)
			assert.Equal(t, int64(4), k.Loop.Figures().BytesWritten)
			assert.Equal(t, int64(4), k.Loop.Figures().BytesRead)
			assert.Equal(t, 2, k.Loop.Figures().Ports)
		})
	}
}

// What has waited for room in vain, a second or two, is lost and not sent much later.
func TestDatagramsDoNotWaitForEver(t *testing.T) {
	k := newKernel(t, loop.Config{})
	server, client := letters(t, k, factory.Socket{})
	k.Faults.SendDatagrams = slices.Repeat([]syscall.Errno{syscall.ENOBUFS}, 1000)
	do(k, say(client, "a", "b"))
	k.Advance(900 * time.Millisecond)
	do(k, say(client, "c"))
	k.Advance(200 * time.Millisecond)
	lost := "error: send: no buffer space available"
	assert.Equal(t, []string{lost, lost}, client.log)
	do(k, func() { assert.Equal(t, 1+protocol.DatagramOverhead, client.Buffered()) })
	k.Faults.SendDatagrams = nil
	k.Advance(100 * time.Millisecond)
	assert.Equal(t, []string{"c"}, server.log)

	k.Faults.SendDatagrams = slices.Repeat([]syscall.Errno{syscall.ENOBUFS}, 1000)
	client.onErr = say(client, "e")
	do(k, say(client, "d"))
	k.Advance(1100 * time.Millisecond)
	client.onErr = nil
	do(k, func() { client.LoseConnection() })
	k.Advance(2 * time.Second)
	assert.Equal(t, []string{lost, lost, lost, lost}, client.log)
	assert.Equal(t, protocol.ErrConnectionDone, client.reason)
	assert.Zero(t, k.Loop.Figures().Timers)
}

// Whatever the kernel takes at a time, what comes is what was written, in order.
func TestDatagramsKeepTheirOrder(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		k := newKernel(t, loop.Config{})
		server, client := letters(t, k, factory.Socket{})
		var said []string
		for range 200 {
			k.Faults.MaxDatagrams = random.IntN(5)
			if random.IntN(3) == 0 {
				k.Faults.SendDatagrams = append(k.Faults.SendDatagrams, 0, syscall.EAGAIN)
			}
			do(k, func() {
				for range random.IntN(10) {
					s := fmt.Sprint(len(said), string(make([]byte, random.IntN(3000))))
					said = append(said, s)
					_, err := client.Write([]byte(s))
					assert.NoError(t, err)
				}
			})
		}
		k.Faults = memnet.Faults{}
		k.Advance(time.Minute)
		require.Equal(t, said, server.log)
		do(k, func() { assert.Zero(t, client.Buffered()) })
	}
}

// Ports that write at the same time send in the order in which they did.
func TestPortsSendInTheirOrder(t *testing.T) {
	k := newKernel(t, loop.Config{})
	server := &mailbox{}
	mail(t, k, "udp4", false, "127.0.0.1:7", server, factory.Socket{})
	var said []string
	for i, m := range clientsOf(t, k, 200) {
		said = append(said, fmt.Sprint(i))
		_ = k.Loop.Call(say(m, said[i]))
	}
	k.Settle()
	assert.Equal(t, said, server.log)
}

// clientsOf are clients of port 7.
func clientsOf(t testing.TB, k *memnet.Kernel, n int) []*mailbox {
	all := make([]*mailbox, n)
	for i := range all {
		all[i] = &mailbox{}
		_, err := k.Loop.OpenDatagram("udp4", "127.0.0.1:7", true, all[i], factory.Socket{})
		require.NoError(t, err)
	}
	k.Settle()
	return all
}

// What it costs to settle a port when many are touched by one turn.
func BenchmarkSettlePorts(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			k := newKernel(b, loop.Config{})
			all := clientsOf(b, k, n)
			for b.Loop() {
				do(k, func() {
					for _, m := range all {
						m.PauseReading()
						m.ResumeReading()
					}
				})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/port")
		})
	}
}

// A datagram that the kernel will not send is told, and the next goes out.
func TestRefusedDatagramHoldsUpNobody(t *testing.T) {
	k := newKernel(t, loop.Config{})
	server, client := letters(t, k, factory.Socket{})
	k.Faults.SendDatagrams = []syscall.Errno{0, syscall.EMSGSIZE, syscall.EMSGSIZE, 0, syscall.EPERM}
	do(k, say(client, "a", "too long", "c", "forbidden", "e"))
	assert.Equal(t, []string{"a", "c", "e"}, server.log)
	assert.Equal(t, []string{"error: send: message too long", "error: send: operation not permitted"}, client.log)
}

// What the network says of a datagram that was sent before (ICMP) answers the next
// one: that has not been tried, and is sent.
func TestRefusalLosesNoOther(t *testing.T) {
	for _, e := range []syscall.Errno{
		syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.EHOSTDOWN, syscall.ENOPROTOOPT, syscall.ENETUNREACH, syscall.EACCES, syscall.EMSGSIZE,
	} {
		k := newKernel(t, loop.Config{})
		server, client := letters(t, k, factory.Socket{})
		k.Faults.SendDatagrams = []syscall.Errno{e, 0, e}
		do(k, say(client, "a", "b"))
		assert.Equal(t, []string{"a", "b"}, server.log, e)
		told := "error: send: " + e.Error()
		assert.Equal(t, []string{told, told}, client.log)
	}
}

// Who cannot be reached at all costs each datagram no more than a second try.
func TestUnreachablePeerLosesDatagrams(t *testing.T) {
	k := newKernel(t, loop.Config{})
	server, client := letters(t, k, factory.Socket{})
	k.Faults.SendDatagrams = slices.Repeat([]syscall.Errno{syscall.ENETUNREACH}, 4)
	do(k, say(client, "a", "b", "c"))
	assert.Equal(t, []string{"c"}, server.log)
	assert.Len(t, client.log, 2, "once each")
}

// Who writes again whenever he hears of an error holds up nobody.
func TestErrorsAnsweredWithWritesStarveNobody(t *testing.T) {
	k := newKernel(t, loop.Config{})
	_, client := letters(t, k, factory.Socket{})
	k.Faults.SendDatagrams = slices.Repeat([]syscall.Errno{syscall.EPERM}, 1000)
	client.onErr = say(client, "again")
	_ = k.Loop.Call(say(client, "again"))
	for range 10 {
		k.Step()
	}
	assert.Less(t, len(client.log), 20)
	assert.NotEmpty(t, client.log)
	client.onErr = nil
	k.Settle()
}

// Errors of receiving are told, and nothing else is lost; a port that has no peer
// does not hear of refusals, and one whose socket is no good ends.
func TestErrorsOfReceivingAreTold(t *testing.T) {
	k := newKernel(t, loop.Config{})
	server, client := letters(t, k, factory.Socket{})
	k.Faults.RecvDatagrams = []syscall.Errno{syscall.ECONNREFUSED, syscall.EHOSTUNREACH}
	do(k, say(client, "a"))
	assert.Equal(t, []string{"error: recv: no route to host", "a"}, server.log)
	k.Faults.RecvDatagrams = []syscall.Errno{syscall.EBADF}
	do(k, say(client, "b"))
	assert.ErrorIs(t, server.reason, syscall.EBADF)
	assert.Equal(t, 1, k.Loop.Figures().Ports)
}

// Whatever the kernel has said, what waited for too long was without room.
func TestDatagramsWithoutRoomAreToldSo(t *testing.T) {
	k := newKernel(t, loop.Config{})
	_, client := letters(t, k, factory.Socket{})
	k.Faults.SendDatagrams = slices.Repeat([]syscall.Errno{syscall.EAGAIN}, 1000)
	do(k, say(client, "a"))
	k.Advance(2 * time.Second)
	assert.Equal(t, []string{"error: send: no buffer space available"}, client.log)
}

// LoseConnection waits for room, but not longer than CloseTimeout.
func TestDatagramCloseIsBounded(t *testing.T) {
	for faults, reason := range map[int]error{3: protocol.ErrConnectionDone, 10000: protocol.ErrCloseTimeout} {
		k := newKernel(t, loop.Config{})
		server, client := letters(t, k, factory.Socket{CloseTimeout: time.Second})
		k.Faults.SendDatagrams = slices.Repeat([]syscall.Errno{syscall.EAGAIN}, faults)
		do(k, func() { say(client, "last")(); client.LoseConnection() })
		k.Advance(2 * time.Second)
		assert.Equal(t, reason, client.reason)
		assert.Equal(t, reason == protocol.ErrConnectionDone, len(server.log) == 1)
		assert.Zero(t, k.Loop.Figures().Timers)
	}
}

// DrainTimeout ends a port that cannot send what it has.
func TestDatagramDrainIsBounded(t *testing.T) {
	k := newKernel(t, loop.Config{DrainTimeout: time.Second, Logger: slog.New(slog.DiscardHandler)})
	_, client := letters(t, k, factory.Socket{})
	k.Faults.SendDatagrams = slices.Repeat([]syscall.Errno{syscall.EAGAIN}, 10000)
	do(k, say(client, "x"))
	k.Loop.Stop()
	k.Settle()
	assert.False(t, k.Loop.Finished())
	k.Advance(2 * time.Second)
	assert.ErrorIs(t, client.reason, protocol.ErrConnectionAborted)
	assert.True(t, k.Loop.Finished())
}

// A port whose Shutdown panics says nothing else, and the end does not wait for it.
func TestPanicInShutdownEndsThePort(t *testing.T) {
	k := newKernel(t, loop.Config{DrainTimeout: -1, Logger: slog.New(slog.DiscardHandler)})
	p := &farewell{}
	mail(t, k, "udp4", false, "127.0.0.1:7", p, factory.Socket{})
	k.Loop.Stop()
	k.Settle()
	var e *protocol.PanicError
	assert.ErrorAs(t, p.reason, &e)
	assert.ErrorIs(t, p.reason, protocol.ErrShutdown)
	assert.True(t, k.Loop.Finished())
}

type farewell struct{ mailbox }

func (f *farewell) Shutdown() { panic("asked for") }

// A port that could not receive is none.
func TestMaxDatagramIsChecked(t *testing.T) {
	k := newKernel(t, loop.Config{})
	for most, good := range map[int]bool{-1: false, 1: true, 16 << 20: true, 16<<20 + 1: false} {
		port, err := k.Loop.OpenDatagram("udp4", "127.0.0.1:7", false, &mailbox{}, factory.Socket{MaxDatagram: most})
		k.Settle()
		if good {
			require.NoError(t, err)
			require.NoError(t, port.Close())
		} else {
			assert.ErrorContains(t, err, "MaxDatagram")
		}
	}
	assert.Zero(t, k.Loop.Figures().Ports)
}

// A port of both families hears and answers both, IPv4 by its own addresses.
func TestDualPortSpeaksBothFamilies(t *testing.T) {
	k := newKernel(t, loop.Config{})
	server := &mailbox{}
	server.onData = func(data []byte, from netip.AddrPort) {
		assert.False(t, from.Addr().Is4In6())
		_, err := server.WriteTo(data, from)
		assert.NoError(t, err)
	}
	mail(t, k, "udp", false, ":7", server, factory.Socket{})
	for _, to := range []string{"127.0.0.1:7", "[::1]:7", "localhost:7"} {
		client := &mailbox{}
		mail(t, k, "udp", true, to, client, factory.Socket{})
		do(k, say(client, "Hey!"))
		assert.Equal(t, []string{"Hey!"}, client.log, to)
	}
}

// A panic is logged with the name of the user's object, and counted.
func TestPanicOfADatagramIsLogged(t *testing.T) {
	var log bytes.Buffer
	k := newKernel(t, loop.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	server, client := letters(t, k, factory.Socket{})
	server.onData = func([]byte, netip.AddrPort) { panic("asked for") }
	do(k, say(client, "a", "b"))
	assert.Equal(t, []string{"a", "b"}, server.log)
	assert.Contains(t, log.String(), "in=(*loop_test.mailbox).DatagramReceived panic=\"asked for\" addr="+server.LocalAddr().String()+" peer="+client.LocalAddr().String())
	assert.Equal(t, int64(2), k.Loop.Figures().Panics)
}

// A port that is closed while a test steps the loop is closed at once.
func TestSteppedPortClosesAtOnce(t *testing.T) {
	k := newKernel(t, loop.Config{})
	p := &mailbox{}
	port := mail(t, k, "udp4", false, "127.0.0.1:7", p, factory.Socket{})
	require.NoError(t, port.Close())
	assert.Equal(t, protocol.ErrConnectionDone, p.reason)
	mail(t, k, "udp4", false, "127.0.0.1:7", &mailbox{}, factory.Socket{})
}

// Closing a port again is no turn: its loop may begin to run meanwhile.
func TestClosedPortIsLeftAlone(t *testing.T) {
	k := memnet.New(loop.Config{Watchdog: -1})
	port, err := k.Loop.OpenDatagram("udp4", "127.0.0.1:7", false, &mailbox{}, factory.Socket{})
	require.NoError(t, err)
	turns := k.Loop.Figures().Turns
	require.NoError(t, port.Close())
	require.NoError(t, port.Close())
	assert.Equal(t, turns, k.Loop.Figures().Turns)
}
