package secure_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
)

// A mover sends much, when it is resumed, and takes its time to read.
type mover struct {
	session
	streaming bool
	left      int    // to be sent
	sum, got  uint32 // checksums
	most      int    // that ever was Buffered
	paused    bool
	unread    int // since the last pause
}

const movedAtATime = 50_000

func (m *mover) start() {
	r, _ := protocol.As[protocol.ProducerRegistry](m.Transport)
	if err := r.RegisterProducer(m, m.streaming); err != nil {
		panic(err)
	}
	if m.streaming {
		m.push()
	}
}

// push writes, a piece in each event, for as long as it is not paused.
func (m *mover) push() {
	if !m.paused && m.left > 0 {
		m.produce()
		m.AfterFunc(0, m.push)
	}
}

func (m *mover) produce() {
	n := min(m.left, movedAtATime)
	p := bytes.Repeat([]byte{byte(m.left), byte(m.left >> 8), 1}, n)[:n]
	m.left -= n
	m.sum = crc32.Update(m.sum, crc32.IEEETable, p)
	m.Write(p)
	if m.most = max(m.most, m.Buffered()); m.left == 0 {
		r, _ := protocol.As[protocol.ProducerRegistry](m.Transport)
		r.UnregisterProducer()
		m.CloseWrite()
	}
}

func (m *mover) ResumeProducing() {
	if m.paused = false; m.streaming {
		m.push()
	} else {
		m.produce()
	}
}

func (m *mover) PauseProducing() { m.paused = true }
func (m *mover) StopProducing()  { m.left = 0 }

func (m *mover) DataReceived(data []byte) {
	m.input += len(data)
	m.got = crc32.Update(m.got, crc32.IEEETable, data)
	if m.unread += len(data); m.unread > 1<<20 {
		m.unread = 0
		m.PauseReading()
		m.AfterFunc(time.Millisecond, m.ResumeReading)
	}
}

// Two slow readers that send to each other get all of it, while little waits.
func TestBothWaysAtOnce(t *testing.T) {
	size := 32 << 20
	if testing.Short() || raceEnabled {
		size = 4 << 20
	}
	for _, streaming := range []bool{false, true} {
		server, client := &mover{left: size, streaming: streaming}, &mover{left: size, streaming: streaming}
		server.keep, client.keep = true, true
		p := protocoltest.NewPump(over(clientSide, client), over(serverSide, server))
		p.Do(func() { server.start(); client.start() })
		before, most := hosttest.Heap(), 0
		for range 1 + size>>20 {
			p.Advance(time.Millisecond)
			most = max(most, hosttest.Heap()-before)
		}
		for _, side := range []struct{ from, to *mover }{{server, client}, {client, server}} {
			assert.Equal(t, size, side.to.input)
			assert.Equal(t, side.from.sum, side.to.got)
			assert.Less(t, side.from.most, 512<<10)
			assert.Equal(t, protocol.ErrConnectionDone, side.to.reason)
		}
		assert.Less(t, most, 4<<20)
	}
}

// Small requests with large answers, to a peer that reads none of them, are answered
// only as far as that is bounded, whether an answer is one piece or many, and all when
// it reads on.
func TestAmplification(t *testing.T) {
	for name, answer := range map[string]func(s *session){
		"one piece":   func(s *session) { s.Write(make([]byte, 64<<10)) },
		"many pieces": func(s *session) { many(64, func() string { s.Write(make([]byte, 1<<10)); return "" }) },
	} {
		t.Run(name, func(t *testing.T) {
			server := &session{quiet: true}
			tr, w, conn := foreignClient(t, over(serverSide, server), clientTLS)
			var requests []byte
			w.sent = func(p []byte) []byte { requests = append(requests, p...); return nil }
			const n = 100
			for range n {
				fmt.Fprint(conn, "x")
			}
			most := 0
			server.data = func([]byte) {
				answer(server)
				most = max(most, server.Buffered())
			}
			tr.Stall(true)
			tr.Receive(string(requests))
			assert.Less(t, server.input, n)
			assert.Less(t, most, 512<<10)
			tr.Stall(false)
			got := 0
			for got < n*64<<10 {
				some, err := read(conn)
				require.NoError(t, err)
				require.NotEmpty(t, some)
				got += len(some)
			}
			assert.Equal(t, n, server.input)
			assert.Less(t, most, 512<<10)
		})
	}
}

// A producer that pushes is paused and resumed by what the peer takes.
func TestPushProducer(t *testing.T) {
	server, push := &session{}, &source{}
	tr, _, conn := foreignClient(t, over(serverSide, server), clientTLS)
	registry, _ := protocol.As[protocol.ProducerRegistry](server.Transport)
	tr.Stall(true)
	tr.Do(func() { assert.NoError(t, registry.RegisterProducer(push, true)) })
	tr.Do(func() { server.Write(make([]byte, 1<<20)); assert.Empty(t, push.take()) })
	assert.Equal(t, "pause", push.take())
	tr.Do(func() { server.Write(make([]byte, 1<<20)) })
	assert.Empty(t, push.take())
	tr.Stall(false)
	assert.Equal(t, "resume", push.take())
	tr.Do(server.LoseConnection)
	assert.NoError(t, server.reason)
	assert.False(t, tr.Closed())
	tr.Do(func() { server.say("the end"); registry.UnregisterProducer() })
	got, err := read(conn)
	assert.Error(t, err)
	assert.True(t, strings.HasSuffix(got, "\x00the end"))
	assert.Len(t, got, 2<<20+len("the end"))
	assert.Empty(t, push.take())
	assert.Equal(t, protocol.ErrConnectionDone, server.reason)
}

// What others write to a peer that reads nothing is bounded, through TLS as without.
func TestOthersWritesAreBounded(t *testing.T) {
	server := &session{}
	tr, _, _ := foreignClient(t, over(serverSide, server), clientTLS)
	tr.Stall(true)
	most := 0
	for range 1000 {
		tr.Do(func() {
			if server.Write(make([]byte, 10_000)); server.reason == nil {
				most = max(most, server.Buffered())
			}
		})
	}
	assert.Equal(t, protocol.ErrSlowPeer, server.reason)
	assert.Less(t, most, 2<<20)
	assert.Greater(t, most, 512<<10)
}

// Who does not read has at most one read of the socket kept for it.
func TestPausedInputIsBounded(t *testing.T) {
	server := &session{quiet: true}
	server.data = func([]byte) { server.PauseReading() }
	p := over(serverSide, server)
	tr, w, conn := foreignClient(t, p, clientTLS)
	var all strings.Builder
	w.sent = func(p []byte) []byte { all.Write(p); return nil }
	conn.Write(make([]byte, 1<<20))
	tr.Receive(all.String())
	first := server.input
	assert.Positive(t, first)
	holder, _ := protocol.As[protocol.InputHolder](p)
	held := 0
	tr.Do(func() { held = holder.DropInput() })
	assert.Positive(t, held)
	assert.LessOrEqual(t, held, 64<<10)
	tr.Do(func() { assert.Zero(t, holder.DropInput()) })
	assert.Equal(t, first, server.input)
	tr.Do(server.Abort)
}

// A flushing session adds something to each event's output.
type flushing struct{ session }

func (f *flushing) Flush() { f.say(".") }

// What is above is told before its output is sealed, and only where there is some.
func TestFlushComesBeforeSealing(t *testing.T) {
	server := &flushing{}
	tr, w, conn := foreignClient(t, over(serverSide, server), clientTLS)
	_, err := read(conn)
	require.NoError(t, err)
	w.record = nil
	tr.Do(func() { server.say("hello"); server.say("!") })
	tr.Do(func() {})
	fmt.Fprint(conn, "nobody answers")
	got, err := read(conn)
	assert.NoError(t, err)
	assert.Equal(t, "hello!.", got)
	assert.Len(t, w.record, 1)
}

// All sizes of writes, in one event and in many, come out as they went in.
func TestSizes(t *testing.T) {
	eachVersion(t, func(t *testing.T, v uint16) {
		server := &session{}
		tr, _, conn := foreignClient(t, over(secure.Config{Server: serverTLS}, server), version(clientTLS, v))
		var sent bytes.Buffer
		for _, n := range []int{0, 1, 16<<10 - 1, 16 << 10, 16<<10 + 1, 3, 40_000, 300_000, 1} {
			p := bytes.Repeat([]byte{byte(n), byte(n >> 8)}, n)[:n]
			sent.Write(p)
			tr.Do(func() { server.Write(p); server.Write(p) })
			sent.Write(p)
		}
		got, err := read(conn)
		assert.NoError(t, err)
		assert.True(t, got == sent.String())
		_, isTLS := server.tls()
		assert.True(t, isTLS)
		assert.Equal(t, tls.VersionName(v), tls.VersionName(server.state.Version))
	})
}
