package loop_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
)

// layers puts some under what f builds, for a server or a client.
type layers func(f factory.Factory, server bool) factory.Factory

// stacks are layers that hold output back, alone and on each other.
func stacks(t testing.TB) map[string]layers {
	cert, err := secure.SelfSigned("torsion.test")
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(cert.Leaf)
	server := secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{cert}}}
	client := secure.Config{Client: &tls.Config{RootCAs: trusted, ServerName: "torsion.test"}}
	over := func(f factory.Factory, isServer bool) factory.Factory {
		if isServer {
			return server.Wrap(f)
		}
		return client.Wrap(f)
	}
	slow := func(f factory.Factory, _ bool) factory.Factory {
		return (&factory.Throttle{Write: 300_000, Read: 5_000_000, Burst: 7000}).Around(f)
	}
	return map[string]layers{
		"throttle":            slow,
		"tls":                 over,
		"tls in a throttle":   func(f factory.Factory, s bool) factory.Factory { return slow(over(f, s), s) },
		"throttle within tls": func(f factory.Factory, s bool) factory.Factory { return over(slow(f, s), s) },
		"tls within tls":      func(f factory.Factory, s bool) factory.Factory { return over(over(f, s), s) },
	}
}

// converseThrough plays one script on a connection through layers. Nothing stands
// still while both talk, and whoever ends in order has delivered all.
func converseThrough(t *testing.T, choices []byte, file *os.File, under layers) {
	s := &script{choices}
	var log bytes.Buffer
	k := newKernel(t, loop.Config{Inline: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	flags := max(0, s.next())
	k.Faults = memnet.Faults{MaxRecv: []int{0, 1000, 7000}[flags%3], MaxSend: []int{0, 900, 30000}[flags/3%3]}
	a := &talker{t: t, script: s, mayRead: flags&1 == 0, file: file}
	b := &talker{t: t, script: s, mayRead: flags&2 == 0, other: a, file: file}
	a.other = b
	addr := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}
	fa, fb := k.Pipe(addr, addr)
	for i, p := range []protocol.Protocol{pacer{a}, pacer{b}} {
		f := under(factory.Each(func() protocol.Protocol { return p }), i == 0)
		require.NoError(t, k.Loop.Adopt([]int{fa, fb}[i], addr, f, factory.Socket{MaxBacklog: -1, LingerTimeout: time.Hour, CloseTimeout: time.Hour, SlowPeerTimeout: -1}, nil))
	}
	for !a.made || !b.made { // the first may abort while the other is not made yet
		if k.Advance(time.Second); a.lost != nil || b.lost != nil {
			return
		}
	}
	for n := 0; len(s.bytes) > 0; n++ {
		k.Step()
		do(k, []*talker{a, b}[n%2].actIfAlive)
		if n%5 == 0 {
			k.Advance(time.Second)
		}
	}
	do(k, func() { a.readOn(); b.readOn() })
	k.Advance(10 * time.Minute)
	if a.talks() && b.talks() {
		assert.Equal(t, a.wrote, b.heard, "nothing stands still")
		assert.Equal(t, b.wrote, a.heard, "nothing stands still")
	}
	do(k, func() { a.hangUp(); b.hangUp() })
	k.Advance(3 * time.Hour)
	for _, w := range []*talker{a, b} {
		assert.Error(t, w.lost, "everybody is told in the end")
		if !a.gone && !b.gone && !a.broken && !b.broken {
			assert.ErrorIs(t, w.lost, protocol.ErrConnectionDone)
		}
		if errors.Is(w.lost, protocol.ErrConnectionDone) && !w.gone && !w.other.lose && !w.other.gone && !w.other.broken {
			assert.Equal(t, w.wrote, w.other.heard)
			assert.Zero(t, w.filesLost)
		}
	}
	f := k.Loop.Figures()
	assert.Zero(t, f.Connections+f.Timers)
	assert.NotContains(t, log.String(), "panic")
}

// actIfAlive does the next thing, or lets it pass.
func (w *talker) actIfAlive() {
	if w.lost == nil {
		w.act()
	} else {
		w.script.next()
	}
}

func (w *talker) readOn() {
	if w.lost == nil {
		w.tr.ResumeReading()
		w.pausedByUs = false
	}
}

func (w *talker) hangUp() {
	if w.lost == nil {
		w.tr.LoseConnection()
		w.lose = true
	}
}

// talks reports whether w has done nothing that ends the connection.
func (w *talker) talks() bool { return w.lost == nil && !w.lose && !w.gone && !w.broken }

// The promises hold through all that may hold output back.
func TestConversationsThroughLayersKeepThePromises(t *testing.T) {
	n := uint64(500)
	if debugBuild || testing.Short() {
		n = 50
	}
	file := patternFile(t)
	for name, under := range stacks(t) {
		for seed := range n {
			r := rand.New(rand.NewPCG(seed, 7))
			choices := make([]byte, 1+r.IntN(120))
			for i := range choices {
				choices[i] = byte(r.Uint32())
			}
			if !t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) { converseThrough(t, choices, file, under) }) {
				return
			}
		}
	}
}
