package reactor_test

import (
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/reactor"
)

// noise is what the runtime itself may allocate for each message, when it collects.
const noise = 0.05

// mallocs is how many allocations of the whole process a call of f costs, once
// everything is warm.
func mallocs(t *testing.T, f func()) float64 {
	t.Helper()
	if raceEnabled {
		t.Skip("debug builds allocate")
	}
	const times = 2000
	for range 200 {
		f()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / times
}

// talker returns what sends a message over c and waits for the same to come back.
func talker(t *testing.T, c net.Conn, message string) func() {
	out, in := []byte(message), make([]byte, len(message))
	return func() {
		_, err := c.Write(out)
		if err == nil {
			_, err = io.ReadFull(c, in)
		}
		if err != nil || string(in) != message {
			t.Fatalf("%q came back: %v", in, err)
		}
	}
}

// A repeater answers each line with the same.
type repeater struct{ line.Base }

func (r *repeater) LineReceived(l []byte) { r.SendBytes(l) }

// lines is a line server with everything that bounds a peer.
func lines() factory.Factory {
	f := factory.Each(func() protocol.Protocol { return line.Config{MaxLength: 512}.New(&repeater{}) })
	limit := &factory.Limit{Total: 100, PerPeer: 10}
	throttle := &factory.Throttle{Read: 1 << 30, Write: 1 << 30}
	return limit.Around(throttle.Around(factory.Idle{}.Around(f)))
}

// Whatever a peer says over a socket, hearing and answering it allocates nothing.
func TestMessagesOverSocketsAllocateNothing(t *testing.T) {
	echoes := serving(probe{data: echo})
	for name, f := range map[string]factory.Factory{
		"echo":  echoes,
		"idle":  factory.Idle{}.Around(echoes), // whose timer each message moves
		"lines": lines(),
	} {
		for network, addr := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")} {
			t.Run(name+"/"+network, func(t *testing.T) {
				p, err := start(t, reactor.Config{}).Listen(network, addr, f)
				require.NoError(t, err)
				say := talker(t, talk(t, network, p.Addr()), "a message of ordinary length\r\n")
				assert.Less(t, mallocs(t, say), noise)
			})
		}
	}
}

// Nor does it on the loops of a Pool.
func TestMessagesOfAPoolAllocateNothing(t *testing.T) {
	p, err := runPool(t, 2, reactor.Config{}).Listen("tcp", "127.0.0.1:0", same(lines()))
	require.NoError(t, err)
	for range 4 {
		assert.Less(t, mallocs(t, talker(t, dial(t, p.Addr()), "a message\r\n")), noise)
	}
}

// Nor does a datagram, whether the port has one peer or many.
func TestDatagramsOverSocketsAllocateNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the addresses allocate here")
	}
	r := start(t, reactor.Config{})
	t.Run("bound", func(t *testing.T) {
		p, err := r.ListenDatagram("udp4", "127.0.0.1:0", echoing())
		require.NoError(t, err)
		assert.Less(t, mallocs(t, talker(t, talk(t, "udp4", p.Addr()), "a datagram")), noise)
	})
	t.Run("connected", func(t *testing.T) {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		require.NoError(t, err)
		defer c.Close()
		answers := &letterbox{data: func(l *letterbox, data []byte, _ netip.AddrPort) { l.Write(data) }}
		p, err := r.ConnectDatagram("udp4", c.LocalAddr().String(), answers)
		require.NoError(t, err)
		to := p.Addr().(*net.UDPAddr).AddrPort()
		buf := make([]byte, 64)
		assert.Less(t, mallocs(t, func() {
			_, err := c.WriteToUDPAddrPort(buf, to)
			if err == nil {
				_, _, err = c.ReadFromUDPAddrPort(buf)
			}
			if err != nil {
				t.Fatal(err)
			}
		}), noise)
	})
}
