package loop_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
)

// converse plays one script on a connection in memory.
func converse(t *testing.T, choices []byte, file *os.File) {
	s := &script{choices}
	var log bytes.Buffer
	k := newKernel(t, loop.Config{Inline: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	addr := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}
	fa, fb := k.Pipe(addr, addr)
	flags := s.next()
	k.Faults = memnet.Faults{MaxRecv: []int{0, 1000, 7000}[max(flags, 0)%3], MaxSend: []int{0, 900, 30000}[max(flags, 0)/3%3], NoFiles: flags&16 != 0}
	a := &talker{t: t, script: s, mayRead: flags&1 == 0, file: file}
	b := &talker{t: t, script: s, mayRead: flags&2 == 0, other: a, file: file}
	a.other = b
	pa, pb := protocol.Protocol(a), protocol.Protocol(b)
	if flags&4 != 0 {
		pa = pacer{a}
	}
	if flags&8 != 0 {
		pb = pacer{b}
	}
	for i, p := range []protocol.Protocol{pa, pb} {
		require.NoError(t, k.Loop.Adopt([]int{fa, fb}[i], addr, factory.Each(func() protocol.Protocol { return p }), factory.Socket{MaxBacklog: -1, LingerTimeout: 10 * time.Minute, CloseTimeout: 10 * time.Minute, SlowPeerTimeout: -1}, nil))
	}
	k.Faults.Sending = meanwhile(k, a, b)
	for len(s.bytes) > 0 {
		left := len(s.bytes)
		k.Step()
		do(k, func() {
			if w := []*talker{a, b}[left%2]; w.lost == nil {
				w.act()
			} else {
				s.next()
			}
		})
		if left%5 == 0 {
			k.Advance(time.Second)
		}
	}
	// Whoever still reads, reads all; whoever has ended his side or the
	// connection, and was not cut off, has delivered all.
	do(k, func() {
		for _, w := range []*talker{a, b} {
			if w.lost == nil {
				w.tr.ResumeReading()
				w.pausedByUs = false
			}
		}
	})
	do(k, func() {
		for _, w := range []*talker{a, b} {
			if w.lost == nil {
				w.tr.LoseConnection()
				w.lose = true
			}
		}
	})
	k.Advance(time.Hour)
	for _, w := range []*talker{a, b} {
		assert.Error(t, w.lost, "everybody is told in the end")
		assert.LessOrEqual(t, w.other.heard, w.wrote)
		if w.broken && !w.lose && !w.gone && !w.other.gone && !w.other.lose && !w.other.broken { // who may be first
			assert.ErrorIs(t, w.lost, io.ErrUnexpectedEOF)
		}
		if errors.Is(w.lost, protocol.ErrConnectionDone) && !w.other.lose && !w.other.gone && !w.other.broken {
			assert.Equal(t, w.wrote, w.other.heard, "%v, %v; %+v %+v", w.lost, w.other.lost, *w, *w.other)
			assert.Zero(t, w.filesLost)
		}
	}
	f := k.Loop.Figures()
	assert.Zero(t, f.Connections)
	assert.Zero(t, f.Timers)
	assert.Zero(t, f.Panics)
	assert.NotContains(t, log.String(), "panic")
}

// meanwhile has the loop go on while a worker is sending a file.
func meanwhile(k *memnet.Kernel, a, b *talker) func() {
	inside := false
	return func() {
		if inside {
			return
		}
		inside = true
		defer func() { inside = false }()
		switch op := a.script.next(); {
		case op < 0:
		case op%4 == 0:
			k.Step()
		case op%4 == 1:
			k.Skip(time.Second)
		default:
			w := []*talker{a, b}[op>>2%2]
			_ = k.Loop.Call(func() {
				if w.lost == nil {
					w.act()
				}
			})
			k.Step()
			k.Step()
		}
	}
}

// Whatever two protocols do to each other, in whatever events, the promises hold.
func TestConversationsKeepThePromises(t *testing.T) {
	n := uint64(3000)
	if debugBuild || testing.Short() {
		n = 200
	}
	file := patternFile(t)
	for seed := range n {
		r := rand.New(rand.NewPCG(seed, 3))
		choices := make([]byte, 1+r.IntN(120))
		for i := range choices {
			choices[i] = byte(r.Uint32())
		}
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { converse(t, choices, file) }) {
			t.Logf("choices: %v", choices)
			return
		}
	}
}

func FuzzConversation(f *testing.F) {
	f.Add([]byte{0, 3, 7, 3, 5, 8, 6, 9})
	f.Add([]byte{0, 0x5f, 3, 0x3f, 11, 7})
	file := patternFile(f)
	f.Fuzz(func(t *testing.T, choices []byte) {
		if len(choices) <= 300 {
			converse(t, choices, file)
		}
	})
}
