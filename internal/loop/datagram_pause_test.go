package loop_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
)

// Who resumes reading when he hears that a datagram was cut off, while what came behind
// it is being kept, gets that.
func TestReadingIsResumedBehindACutDatagram(t *testing.T) {
	k := newKernel(t, loop.Config{})
	server := &mailbox{}
	mail(t, k, "udp4", false, "127.0.0.1:7", server, factory.Socket{MaxDatagram: 2})
	client := clientsOf(t, k, 1)[0]
	for _, kept := range [][]string{{}, {"b"}} {
		server.log = nil
		server.onData = func([]byte, netip.AddrPort) { server.PauseReading(); server.onData = nil }
		server.onErr = func() { server.ResumeReading() }
		all := slices.Concat([]string{"a"}, kept, []string{"too long", "c", "d"})
		do(k, say(client, all...))
		assert.Equal(t, slices.Concat([]string{"a", "error: message too long"}, kept, []string{"c", "d"}), server.log)
	}
}

// However a port pauses and resumes, in whatever event, and whatever its own answers wait
// for, it gets all that came, once and in order, but for what was cut off.
func TestPausesLoseNoDatagram(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		k := newKernel(t, loop.Config{})
		server := &mailbox{}
		s := factory.Socket{MaxDatagram: 20, HighWater: []int{0, 300, 1000}[random.IntN(3)]}
		mail(t, k, "udp4", false, "127.0.0.1:7", server, s)
		client := clientsOf(t, k, 1)[0]
		var said, heard []string
		server.onData = func(data []byte, from netip.AddrPort) {
			heard = append(heard, string(data))
			pauseAtRandom(server, random)
			if random.IntN(2) == 0 {
				_, _ = server.WriteTo(data, from)
			}
		}
		server.onErr = func() { pauseAtRandom(server, random) }
		for range 20 {
			k.Faults.SendDatagrams = slices.Repeat([]syscall.Errno{0, syscall.EAGAIN, syscall.ENOBUFS}, random.IntN(2))
			k.Faults.MaxDatagrams = random.IntN(4)
			do(k, func() {
				for range random.IntN(60) {
					if random.IntN(10) == 0 {
						say(client, strings.Repeat("too long ", 3))()
						continue
					}
					said = append(said, fmt.Sprint(len(said)))
					say(client, said[len(said)-1])()
				}
			})
			k.Advance(time.Duration(random.IntN(3)) * time.Millisecond)
		}
		k.Faults = memnet.Faults{}
		server.onData = func(data []byte, _ netip.AddrPort) { heard = append(heard, string(data)) }
		server.onErr = nil
		do(k, server.ResumeReading)
		k.Advance(time.Second)
		require.Equal(t, said, heard, "seed %d", seed)
	}
}

func pauseAtRandom(m *mailbox, random *rand.Rand) {
	switch random.IntN(6) {
	case 0:
		m.PauseReading()
	case 1:
		m.ResumeReading()
	case 2:
		m.PauseReading()
		m.ResumeReading()
	case 3:
		m.PauseReading()
		m.AfterFunc(time.Duration(random.IntN(5))*time.Millisecond, m.ResumeReading)
	}
}
