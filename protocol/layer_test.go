package protocol_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// plain is a layer that changes nothing.
type plain struct{ protocol.Layer }

// A rot13 is a layer that moves every letter by 13.
type rot13 struct{ protocol.Gate }

func (r *rot13) ConnectionMade(t protocol.Transport) {
	r.Shut()
	r.Open(func(p []byte) { r.Below.Write(rotate(bytes.Clone(p))) })
	r.Gate.ConnectionMade(t)
}

func (r *rot13) DataReceived(data []byte) { r.Above.DataReceived(rotate(data)) }

func rotate(p []byte) []byte {
	for i, b := range p {
		switch c := b | 0x20; {
		case 'a' <= c && c <= 'm':
			p[i] += 13
		case 'n' <= c && c <= 'z':
			p[i] -= 13
		}
	}
	return p
}

// A framing hands up lines for as long as they are wanted.
type framing struct {
	protocol.Base
	buf  []byte
	line func(l string)
}

func (f *framing) DataReceived(p []byte) { f.buf = append(f.buf, p...); f.ReadResumed() }

func (f *framing) ReadResumed() {
	for f.Reading() {
		l, rest, ok := bytes.Cut(f.buf, []byte("\r\n"))
		if !ok {
			break
		}
		f.buf = rest
		f.line(string(l))
	}
}

func (f *framing) SendLine(s string) { fmt.Fprint(f, s, "\r\n") }

func ExampleLayer() {
	f := &framing{}
	f.line = func(l string) { f.SendLine(l + "!") }
	tr := protocoltest.Connect(protocol.Stack(&rot13{}, f))
	tr.Receive("uryyb\r\n")
	fmt.Printf("%q\n", tr.Take())
	// Output: "uryyb!\r\n"
}

// A full protocol hears everything that there is, and notes it.
type full struct {
	protocol.Base
	diary
	keep bool
}

func (f *full) DataReceived(p []byte)         { f.note("data " + string(p)) }
func (f *full) EOFReceived() bool             { f.note("eof"); return f.keep }
func (f *full) PauseWriting()                 { f.note("pause") }
func (f *full) ResumeWriting()                { f.note("resume") }
func (f *full) ReadResumed()                  { f.note("read") }
func (f *full) Shutdown()                     { f.note("shutdown") }
func (f *full) Secured(_ tls.ConnectionState) { f.note("secured") }
func (f *full) Flush()                        { f.flushes++ }
func (f *full) DropInput() int                { f.note("drop"); return 3 }
func (f *full) ConnectionLost(error)          { f.note("lost") }

type diary struct {
	heard   []string
	flushes int
}

func (d *diary) note(s string) { d.heard = append(d.heard, s) }

func (d *diary) take() string {
	s := strings.Join(d.heard, " ")
	d.heard = nil
	return s
}

// A bare protocol hears what it must.
type bare struct {
	protocol.Base
	heard string
}

func (b *bare) DataReceived(p []byte) { b.heard += string(p) }

// A policy is no layer: it wraps a protocol and changes nothing.
type policy struct{ protocol.Protocol }

func (w *policy) Inner() any                          { return w.Protocol }
func (w *policy) ConnectionMade(t protocol.Transport) { protocol.Connect(w.Protocol, t) }

// stacked puts n plain layers under p, and a policy under the second of them.
func stacked(n int, p protocol.Protocol) (top *plain, all protocol.Protocol) {
	for i := range n {
		if i == 2 {
			p = &policy{p}
		}
		l := protocol.Stack(&plain{}, p)
		if top == nil {
			top = l
		}
		p = l
	}
	return top, p
}

// eachStack runs test with one layer, with two, and with a policy among three.
func eachStack(t *testing.T, test func(t *testing.T, n int)) {
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) { test(t, n) })
	}
}

// A traced layer notes what passes through it.
type traced struct {
	protocol.Layer
	name string
	*diary
}

func (l *traced) ConnectionMade(t protocol.Transport) {
	l.note("made " + l.name)
	l.Layer.ConnectionMade(t)
}

func (l *traced) DataReceived(data []byte) {
	l.note("data " + l.name)
	l.Layer.DataReceived(data)
}

func (l *traced) ConnectionLost(reason error) {
	l.note("lost " + l.name)
	l.Layer.ConnectionLost(reason)
}

func (l *traced) Write(p []byte) (int, error) {
	l.note("write " + l.name)
	return l.Layer.Write(p)
}

// Connections are made, and end, from the socket inwards; input goes the same
// way, and output the other one.
func TestOrderOfLayers(t *testing.T) {
	d := &diary{}
	f := &framing{}
	f.line = func(l string) { d.note(l); fmt.Fprint(f, "!") }
	tr := protocoltest.Connect(protocol.Stack(&traced{name: "secure", diary: d}, protocol.Stack(&traced{name: "telnet", diary: d}, f)))
	assert.Equal(t, "made secure made telnet", d.take())
	tr.Receive("line\r\n")
	assert.Equal(t, "data secure data telnet line write telnet write secure", d.take())
	tr.Reset()
	assert.Equal(t, "lost secure lost telnet", d.take())
}

// What is above hears what the reactor tells, in its order.
func TestLayerPassesEventsUp(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		f := &full{keep: true}
		top, all := stacked(n, f)
		tr := protocoltest.Connect(all)
		assert.Same(t, top, f.Transport, "the layer is its transport")
		tr.Receive("x")
		assert.Equal(t, "data x", f.take())
		tr.Do(func() { f.PauseReading(); f.ResumeReading() })
		assert.Equal(t, "read", f.take())
		assert.Positive(t, f.flushes)

		tr.Stall(true)
		tr.Do(func() { f.Write(make([]byte, 1<<20)) })
		assert.Equal(t, "pause", f.take())
		tr.Do(func() { assert.True(t, f.Reading(), "it paces itself") })
		tr.Stall(false)
		assert.Equal(t, "resume", f.take())

		tr.Do(func() {
			all.(protocol.SecuredReceiver).Secured(tls.ConnectionState{})
			all.(protocol.Shutdowner).Shutdown()
			assert.Equal(t, 3, all.(protocol.InputHolder).DropInput())
		})
		assert.Equal(t, "secured shutdown drop", f.take())
		tr.EOF()
		assert.Equal(t, "eof", f.take())
		assert.False(t, tr.Closed(), "it keeps the connection")
		tr.Do(f.LoseConnection)
		assert.Equal(t, "lost", f.take())
		assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	})
}

// Where nobody above hears of the end of the peer's stream, or does not want to
// keep the connection, it is closed, and what is owed is delivered.
func TestLayerClosesAtEOF(t *testing.T) {
	for _, build := range []func() protocol.Protocol{
		func() protocol.Protocol { return &bare{} },
		func() protocol.Protocol { return &full{} },
	} {
		eachStack(t, func(t *testing.T, n int) {
			top, all := stacked(n, build())
			tr := protocoltest.Connect(all)
			tr.Do(func() { top.Write([]byte("owed")) })
			tr.EOF()
			assert.Equal(t, "owed", tr.Take())
			assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
		})
	}
}

// Where nobody above hears of the shutdown, the connection is closed.
func TestLayerClosesAtShutdown(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		_, all := stacked(n, &bare{})
		tr := protocoltest.Connect(all)
		tr.Do(all.(protocol.Shutdowner).Shutdown)
		assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	})
}

// Where nobody above hears them, the other events mean nothing.
func TestLayerAloneHearsTheRest(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		b := &bare{}
		_, all := stacked(n, b)
		tr := protocoltest.Connect(all)
		tr.Do(func() {
			all.(protocol.SecuredReceiver).Secured(tls.ConnectionState{})
			all.(protocol.ReadResumer).ReadResumed()
			all.(protocol.Flusher).Flush()
			assert.Zero(t, all.(protocol.InputHolder).DropInput())
		})
		tr.Receive("on it goes")
		assert.Equal(t, "on it goes", b.heard)
	})
}

// Where nobody above paces himself, nothing is read while the peer takes nothing.
func TestLayerPausesItsReading(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		b := &bare{}
		top, all := stacked(n, b)
		tr := protocoltest.Connect(all)
		tr.Stall(true)
		tr.Do(func() { b.Write(make([]byte, 1<<20)) })
		tr.Do(func() { assert.False(t, top.Reading()) })
		tr.Receive("x")
		assert.Empty(t, b.heard)
		tr.Stall(false)
		assert.Equal(t, "x", b.heard)
		tr.Do(func() { assert.True(t, top.Reading()) })
	})
}

// An answerer answers every line with 64 KiB.
type answerer struct {
	framing
	lines, most int
}

func newAnswerer() *answerer {
	a := &answerer{}
	a.line = func(string) {
		a.lines++
		a.Write(make([]byte, 64<<10))
		a.most = max(a.most, a.Buffered())
	}
	return a
}

// One read full of small requests with large answers stays bounded.
func TestLayerBoundsLargeAnswers(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		a := newAnswerer()
		_, all := stacked(n, a)
		tr := protocoltest.Connect(all)
		tr.Stall(true)
		tr.Receive(strings.Repeat("\r\n", 100))
		assert.Less(t, a.most, 400<<10)
		tr.Stall(false)
		for range 100 {
			tr.Take()
		}
		assert.Equal(t, 100, a.lines)
		assert.Less(t, a.most, 400<<10)
		tr.Do(func() { assert.True(t, a.Reading()) })
	})
}

// What was too much is forgotten also if the peer took it before anybody said so.
func TestLayerReadsOnAfterAShortRush(t *testing.T) {
	b := &bare{}
	top, all := stacked(1, b)
	tr := protocoltest.Connect(all)
	tr.Stall(false) // the peer takes any amount at once
	tr.Do(func() {
		top.WriteShared(make([]byte, 300<<10))
		assert.False(t, top.Reading())
	})
	assert.Len(t, tr.Take(), 300<<10)
	tr.Receive("x")
	assert.Equal(t, "x", b.heard)
}

// A source writes as it is told.
type source struct{ diary }

func (s *source) ResumeProducing() { s.note("resume") }
func (s *source) PauseProducing()  { s.note("pause") }
func (s *source) StopProducing()   { s.note("stop") }

// A producer is registered at the socket, and who has one reads on.
func TestLayerPassesProducersDown(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		b, s := &bare{}, &source{}
		top, all := stacked(n, b)
		tr := protocoltest.Connect(all)
		tr.Stall(true)
		tr.Do(func() {
			assert.NoError(t, top.RegisterProducer(s, true))
			assert.ErrorIs(t, top.RegisterProducer(s, true), protocol.ErrProducer)
			b.Write(make([]byte, 1<<20))
			assert.True(t, top.Reading())
		})
		assert.Equal(t, "pause", s.take())
		tr.Receive("x")
		assert.Equal(t, "x", b.heard)
		tr.Stall(false)
		assert.Equal(t, "resume", s.take())
		tr.Do(func() { b.LoseConnection(); top.UnregisterProducer() })
		assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	})
}

// The pauses of layers and that of their user do not undo each other, in whatever
// order they begin and end, and no input comes during any of them.
func TestPausesOfLayersAddUp(t *testing.T) {
	b := &bare{}
	top, all := stacked(3, b)
	tr := protocoltest.Connect(all)
	middle := top.Below.(*plain)
	pauses := []func(){b.PauseReading, top.Hold, middle.Hold}
	resumes := []func(){b.ResumeReading, top.Release, middle.Release}
	r := rand.New(rand.NewPCG(1, 2))
	var paused [3]bool
	for sent := range 300 {
		i, pause := r.IntN(3), r.IntN(2) == 0
		if paused[i] = pause; pause {
			tr.Do(pauses[i])
		} else {
			tr.Do(resumes[i])
		}
		reads := paused == [3]bool{}
		tr.Do(func() { assert.Equal(t, reads, b.Reading()) })
		before := len(b.heard)
		tr.Receive("x")
		if reads {
			assert.Len(t, b.heard, sent+1)
		} else {
			assert.Len(t, b.heard, before)
		}
	}
}
