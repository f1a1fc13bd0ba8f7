package loop_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/protocol"
)

// toPath is a write to a path.
func toPath(t testing.TB, m *mailbox, path, text string) {
	u, _ := protocol.As[protocol.UnixDatagramTransport](m.DatagramTransport)
	_, err := u.WriteToPath([]byte(text), path)
	assert.NoError(t, err)
}

// Unix peers that read nothing lose what waits for them, all at the same time, and cost
// the others of the same port nothing, however many they are and however often.
func TestFullUnixPeersHoldUpNobody(t *testing.T) {
	const many = 100
	k := newKernel(t, loop.Config{})
	server, other := &mailbox{}, &mailbox{}
	mail(t, k, "unixgram", false, "@server", server, factory.Socket{})
	mail(t, k, "unixgram", false, "@other", other, factory.Socket{})
	idle := make([]*mailbox, many)
	for i := range idle {
		idle[i] = &mailbox{}
		mail(t, k, "unixgram", false, fmt.Sprint("@idle", i), idle[i], factory.Socket{})
		do(k, idle[i].PauseReading)
	}
	writeAll := func(n int) {
		for i := range many {
			do(k, func() {
				for j := range n {
					toPath(t, server, fmt.Sprint("@idle", i), fmt.Sprint(j))
				}
				toPath(t, server, "@other", fmt.Sprint(i))
			})
		}
	}
	writeAll(12) // 10 fit
	assert.Len(t, other.log, many, "at once")
	k.Advance(40 * time.Millisecond)
	slow := slices.Repeat([]string{"error: " + protocol.ErrSlowPeer.Error()}, many)
	assert.Equal(t, slow, server.log)
	do(k, func() { assert.Zero(t, server.Buffered()) })
	assert.Zero(t, k.Loop.Figures().Timers)

	writeAll(1)
	assert.Len(t, other.log, 2*many)
	do(k, func() { assert.NotZero(t, server.Buffered()); server.LoseConnection() })
	assert.NoError(t, server.reason, "it waits for them")
	for _, m := range idle {
		do(k, m.ResumeReading)
	}
	k.Advance(40 * time.Millisecond)
	for _, m := range idle {
		assert.Len(t, m.log, 11)
	}
	assert.Equal(t, protocol.ErrConnectionDone, server.reason)
}

// A Unix peer that is full now and then gets all in order, and what waits for it counts
// as any other.
func TestFullUnixPeerKeepsItsOrder(t *testing.T) {
	k := newKernel(t, loop.Config{})
	const most = 300 * (protocol.DatagramOverhead + 2)
	server, peer := &mailbox{}, &mailbox{}
	mail(t, k, "unixgram", false, "@server", server, factory.Socket{MaxBacklog: most})
	mail(t, k, "unixgram", false, "@peer", peer, factory.Socket{})
	var said []string
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		do(k, peer.PauseReading)
		do(k, func() {
			for range random.IntN(25) {
				said = append(said, fmt.Sprintf("%02d", len(said)%100))
				toPath(t, server, "@peer", said[len(said)-1])
			}
		})
		k.Advance(time.Duration(random.IntN(20)) * time.Millisecond)
		do(k, peer.ResumeReading)
		do(k, func() { toPath(t, server, "@peer", "--") })
		said = append(said, "--")
		k.Advance(time.Duration(random.IntN(10)) * time.Millisecond)
	}
	k.Advance(time.Minute)
	require.Equal(t, said, peer.log)
	assert.Empty(t, server.log)
	do(k, func() { assert.Zero(t, server.Buffered()) })
	do(k, peer.PauseReading)
	for range 310 { // 10 fit
		do(k, func() { toPath(t, server, "@peer", "--") })
	}
	do(k, func() {
		assert.Equal(t, most, server.Buffered())
		u, _ := protocol.As[protocol.UnixDatagramTransport](server.DatagramTransport)
		_, err := u.WriteToPath([]byte("x"), "@other")
		assert.ErrorIs(t, err, syscall.ENOBUFS)
	})
}

// A Unix peer that vanishes while something waits for it is told as any that is not there.
func TestFullUnixPeerVanishes(t *testing.T) {
	k := newKernel(t, loop.Config{})
	server, peer := &mailbox{}, &mailbox{}
	mail(t, k, "unixgram", false, "@server", server, factory.Socket{})
	port := mail(t, k, "unixgram", false, "@peer", peer, factory.Socket{})
	do(k, peer.PauseReading)
	do(k, func() {
		for range 12 {
			toPath(t, server, "@peer", "x")
		}
	})
	require.NoError(t, port.Close())
	k.Advance(time.Second)
	gone := "error: send: connection refused"
	assert.Equal(t, []string{gone, gone}, server.log)
	do(k, func() { assert.Zero(t, server.Buffered()) })
}
