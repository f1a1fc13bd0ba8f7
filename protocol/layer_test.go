package protocol_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// plain is a layer that changes nothing.
type plain struct{ protocol.Layer }

// A rot13 is a layer that moves every letter by 13.
type rot13 struct {
	protocol.Layer
	files protocol.FileCopier
}

func (r *rot13) DataReceived(data []byte)          { r.Above.DataReceived(rotate(data)) }
func (r *rot13) Write(p []byte) (int, error)       { return r.Below.Write(rotate(bytes.Clone(p))) }
func (r *rot13) WriteShared(p []byte) (int, error) { return r.Write(p) }
func (r *rot13) SendFile(f *os.File, off, n int64, done func(sent int64, err error)) {
	r.files.SendFile(r, f, off, n, done)
}

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

// A lagging layer passes everything on a second late, in both directions.
type lagging struct {
	protocol.Layer
	in, out  []byte
	due      bool // in may go up
	flushing bool // the next Flush sends out
	eof      bool // behind in
	losing   bool // behind out
}

func (l *lagging) DataReceived(data []byte) {
	l.in = append(l.in, data...)
	l.AfterFunc(time.Second, l.arrived)
}

func (l *lagging) arrived() { l.due = true; l.handUp() }

// handUp hands up one byte at a time; what is left stays in in.
func (l *lagging) handUp() {
	for l.due && len(l.in) > 0 && l.Reading() {
		p := l.in[:1]
		l.in = l.in[1:]
		l.Above.DataReceived(p)
	}
	if len(l.in) == 0 && l.eof {
		l.eof = false
		l.Layer.EOFReceived()
	}
}

// EOFReceived comes behind the input.
func (l *lagging) EOFReceived() bool { l.eof = true; l.AfterFunc(time.Second, l.arrived); return true }

// Reading goes on after the peer's end for what is still here.
func (l *lagging) Reading() bool { return !l.losing && (l.eof || l.Layer.Reading()) }

func (l *lagging) ReadResumed()   { l.Layer.ReadResumed(); l.handUp() }
func (l *lagging) DropInput() int { n := len(l.in); l.in = nil; return l.Layer.DropInput() + n }

func (l *lagging) Write(p []byte) (int, error) {
	if l.losing {
		return 0, net.ErrClosed
	}
	l.out = append(l.out, p...)
	l.AfterFunc(time.Second, func() { l.flushing = true; l.Below.Write(nil) })
	return len(p), nil
}

func (l *lagging) WriteShared(p []byte) (int, error) { return l.Write(p) }
func (l *lagging) Buffered() int                     { return len(l.out) + l.Below.Buffered() }

// Flush sends what is due, and what above has to add.
func (l *lagging) Flush() {
	l.Layer.Flush()
	if !l.flushing {
		return
	}
	l.flushing = false
	l.Below.Write(l.out)
	if l.out = nil; l.losing {
		l.Below.LoseConnection()
	}
}

func (l *lagging) LoseConnection() {
	if l.losing = true; len(l.out) == 0 {
		l.Below.LoseConnection()
	}
}

// A chatty protocol answers each line, pauses at one that says so and hangs up at
// another.
type chatty struct {
	framing
	heard string
}

func newChatty() *chatty {
	c := &chatty{}
	c.line = c.lineReceived
	return c
}

func (c *chatty) ConnectionMade(protocol.Transport) { c.SendLine("hello") }

func (c *chatty) lineReceived(l string) {
	c.heard += l + ","
	switch l {
	case "pause":
		c.PauseReading()
	case "lose":
		c.SendLine("bye")
		c.LoseConnection()
	default:
		c.SendLine("heard " + l)
	}
}

func (c *chatty) DropInput() int { n := len(c.buf); c.buf = nil; return n + 100 }

// A layer that delays bytes delays them, loses none, and ends behind them.
func TestLayerMayDelay(t *testing.T) {
	for name, pieces := range protocoltest.Cuts("one\r\npause\r\ntwo\r\nlose\r\nthree\r\n") {
		t.Run(name, func(t *testing.T) {
			c := newChatty()
			tr := protocoltest.Connect(protocol.Stack(&lagging{}, c))
			assert.Empty(t, tr.Take())
			tr.Advance(time.Second)
			assert.Equal(t, "hello\r\n", tr.Take())
			for _, p := range pieces {
				tr.Receive(p)
			}
			assert.Empty(t, c.heard)
			tr.Advance(time.Second)
			assert.Equal(t, "one,pause,", c.heard)
			tr.Advance(time.Minute)
			assert.Equal(t, "heard one\r\n", tr.Take())
			tr.Do(c.ResumeReading)
			assert.Equal(t, "one,pause,two,lose,", c.heard)
			tr.Do(func() {
				assert.Equal(t, len("heard two\r\nbye\r\n"), c.Buffered())
				_, err := c.Write([]byte("x"))
				assert.ErrorIs(t, err, net.ErrClosed)
			})
			assert.NoError(t, tr.Lost())
			tr.Advance(time.Second)
			assert.Equal(t, "heard two\r\nbye\r\n", tr.Take())
			assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
			assert.Equal(t, "one,pause,two,lose,", c.heard, "nothing after the close")
		})
	}
}

// The end of the stream comes behind the input that a layer holds, and what is
// answered to that still arrives, through however many layers.
func TestLayersEndBehindWhatTheyHold(t *testing.T) {
	c := newChatty()
	tr := protocoltest.Connect(protocol.Stack(&lagging{}, protocol.Stack(&rot13{},
		protocol.Stack(&lagging{}, protocol.Stack(&rot13{}, c)))))
	tr.Receive("one\r\n")
	tr.EOF()
	tr.Advance(time.Minute)
	assert.Equal(t, "hello\r\nheard one\r\n", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
}

// What is above hands up its backlog first, and DropInput adds up.
func TestBacklogOfLayers(t *testing.T) {
	c := newChatty()
	below := protocol.Stack(&lagging{}, c)
	tr := protocoltest.Connect(below)
	tr.Receive("pause\r\n")
	tr.Advance(time.Second)
	tr.Do(func() {
		below.in = []byte("three\r\n") // held by the layer
		below.Above.DataReceived([]byte("one\r\ntwo\r\n"))
		c.ResumeReading()
	})
	assert.Equal(t, "pause,one,two,three,", c.heard)
	tr.Do(func() {
		c.PauseReading()
		below.in = []byte("12345")
		below.Above.DataReceived([]byte("1234567"))
		assert.Equal(t, 112, below.DropInput())
		assert.Equal(t, 100, below.DropInput())
		c.ResumeReading()
	})
	assert.Equal(t, "pause,one,two,three,", c.heard)
}

// Flush goes from the user down to the socket, so that each layer sends what
// those above it had to say.
type sealing struct {
	protocol.Layer
	name string
	out  []byte
}

func (s *sealing) Write(p []byte) (int, error) {
	s.out = append(s.out, p...)
	s.Below.Write(nil)
	return len(p), nil
}

func (s *sealing) Flush() {
	s.Layer.Flush()
	if len(s.out) > 0 {
		fmt.Fprintf(s.Below, "%s(%s)", s.name, s.out)
		s.out = nil
	}
}

func TestFlushGoesDown(t *testing.T) {
	b := &bare{}
	tr := protocoltest.Connect(protocol.Stack(&sealing{name: "outer"}, protocol.Stack(&sealing{name: "inner"}, b)))
	tr.Do(func() { fmt.Fprint(b, "one "); fmt.Fprint(b, "two") })
	assert.Equal(t, "outer(inner(one two))", tr.Take())
	tr.Do(func() {})
	assert.Empty(t, tr.Take())
}

// What a layer is asked is answered by the connection.
func TestLayerAsksBelow(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		b := &bare{}
		top, all := stacked(n, b)
		tr := protocoltest.Connect(all)
		tr.Do(func() {
			assert.Equal(t, tr.LocalAddr(), top.LocalAddr())
			assert.Equal(t, tr.RemoteAddr(), top.RemoteAddr())
			assert.Equal(t, tr.Loop(), top.Loop())
			assert.Equal(t, tr.Now(), top.Now())
			assert.Equal(t, 1<<20, top.MaxBacklog())
			assert.ErrorIs(t, top.StartTLS(), errors.ErrUnsupported)
			assert.NoError(t, top.SetNoDelay(true))
			assert.NoError(t, top.SetKeepAlive(time.Minute))
			assert.NoError(t, top.SetOOBInline(true))
			_, secure := top.TLSState()
			assert.False(t, secure)
			assert.Empty(t, top.AvailableBuffer())
		})
		told := ""
		tr.Stall(true)
		tr.Do(func() {
			top.WriteShared([]byte("shared "))
			b.Write([]byte("written"))
			assert.Equal(t, 14, top.Buffered())
			top.Drained(func(err error) { told += fmt.Sprint("drained ", err) })
			top.Ended(func(err error) { told += fmt.Sprint(", ended ", err) })
			top.Ended(func(error) { told += "forgotten" })()
			top.SetReason(errors.New("for fun"))
			top.AfterFunc(time.Second, b.CloseWrite)
		})
		assert.Empty(t, told)
		tr.Stall(false)
		assert.Equal(t, "shared written", tr.Take())
		tr.Advance(time.Second)
		assert.True(t, tr.Closed())
		assert.NoError(t, tr.Lost(), "only our side is closed")
		tr.Do(top.Abort)
		assert.Equal(t, "drained <nil>, ended for fun", told)
		assert.EqualError(t, tr.Lost(), "for fun")
	})
}

// A pipe is a transport that can do no more than it must.
type pipe struct {
	protocol.Transport
	written []byte // the last Write's own argument
}

func (p *pipe) Write(b []byte) (int, error) { p.written = b; return len(b), nil }

// Over a transport that knows nothing of them the optional orders do what is next
// best.
func TestLayerOverAPlainTransport(t *testing.T) {
	host := &bare{}
	tr := protocoltest.Connect(host)
	p, b := &pipe{Transport: tr.Transport}, &bare{}
	top := protocol.Stack(&plain{}, b)
	protocol.Connect(top, p)
	drained := false
	tr.Do(func() {
		text := []byte("text")
		n, err := top.WriteShared(text)
		assert.True(t, n == 4 && err == nil && &p.written[0] == &text[0])
		assert.ErrorIs(t, top.RegisterProducer(&source{}, true), errors.ErrUnsupported)
		top.UnregisterProducer()
		assert.ErrorIs(t, top.StartTLS(), errors.ErrUnsupported)
		_, secure := top.TLSState()
		assert.False(t, secure)
		assert.Equal(t, 1<<20, top.MaxBacklog())
		assert.ErrorIs(t, top.SetNoDelay(true), errors.ErrUnsupported)
		assert.ErrorIs(t, top.SetKeepAlive(0), errors.ErrUnsupported)
		assert.ErrorIs(t, top.SetOOBInline(true), errors.ErrUnsupported)
		top.SetReason(errors.New("unheard"))
		top.Ended(func(error) { t.Error("nobody knows") })()
		top.Drained(func(err error) { drained = err == nil })
		assert.False(t, drained, "in a later event")
	})
	assert.True(t, drained)
}

// An able transport has what none of ours has yet.
type able struct{ *pipe }

func (a able) StartTLS() error { return errTLS }
func (a able) TLSState() (tls.ConnectionState, bool) {
	return tls.ConnectionState{ServerName: "a"}, true
}
func (a able) WriteShared(p []byte) (int, error) { a.written = p; return len(p), nil }
func (a able) MaxBacklog() int                   { return 7 }

func (a able) SetNoDelay(on bool) error           { return fmt.Errorf("no delay: %t", on) }
func (a able) SetKeepAlive(d time.Duration) error { return fmt.Errorf("keep alive: %v", d) }
func (a able) SetOOBInline(on bool) error         { return fmt.Errorf("inline: %t", on) }

var errTLS = errors.New("TLS it would be")

// What the transport can do is done there, through layers.
func TestLayerLeavesToBelow(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		a := able{&pipe{Transport: protocoltest.Connect(&bare{}).Transport}}
		top, all := stacked(n, &bare{})
		protocol.Connect(all, a)
		assert.ErrorIs(t, top.StartTLS(), errTLS)
		state, ok := top.TLSState()
		assert.True(t, ok && state.ServerName == "a")
		assert.Equal(t, 7, top.MaxBacklog())
		assert.EqualError(t, top.SetNoDelay(true), "no delay: true")
		assert.EqualError(t, top.SetKeepAlive(time.Minute), "keep alive: 1m0s")
		assert.EqualError(t, top.SetOOBInline(true), "inline: true")
		text := []byte("text")
		top.WriteShared(text)
		assert.Same(t, &text[0], &a.written[0], "by reference")
	})
}

// Nobody finds anything through a layer, neither upwards nor downwards.
func TestAsStopsAtALayer(t *testing.T) {
	top, all := stacked(2, newChatty())
	protocoltest.Connect(all)
	_, found := protocol.As[*chatty](all)
	assert.False(t, found)
	_, found = protocol.As[able](top)
	assert.False(t, found)
	l, found := protocol.As[*plain](protocol.Transport(top))
	assert.True(t, found && l == top)
	n, found := protocol.As[protocol.Notifier](protocol.Transport(top))
	assert.True(t, found && n == protocol.Notifier(top), "its answer is its own")
}

// A Remote of a layer goes through it, and ends with the connection.
func TestRemoteGoesThroughLayers(t *testing.T) {
	b := &bare{}
	tr := protocoltest.Connect(protocol.Stack(&rot13{}, protocol.Stack(&lagging{}, b)))
	var r *protocol.Remote
	tr.Do(func() { r = protocol.NewRemote(b) })
	_, err := r.Write([]byte("hello"))
	assert.NoError(t, err)
	r.LoseConnection()
	tr.Advance(time.Second)
	assert.Equal(t, "uryyb", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	_, err = r.Write([]byte("more"))
	assert.ErrorIs(t, err, net.ErrClosed)
}

// A late layer builds its protocol when the peer has said so, as one that shakes
// hands first.
type late struct {
	protocol.Layer
	build func() protocol.Protocol
}

func (l *late) ConnectionMade(protocol.Transport) { fmt.Fprint(l.Below, "knock ") }

func (l *late) DataReceived(data []byte) {
	if l.Above == nil {
		l.Above = l.build()
		protocol.Connect(l.Above, l)
	}
	l.Layer.DataReceived(data)
}

func TestLayerMayConnectLate(t *testing.T) {
	b := &bare{}
	l := protocol.Stack(&late{build: func() protocol.Protocol { return b }}, nil)
	tr := protocoltest.Connect(l)
	tr.Do(func() { assert.Zero(t, l.DropInput()) })
	tr.Receive("x")
	assert.Equal(t, "knock ", tr.Take())
	assert.Equal(t, "x", b.heard)
	assert.Same(t, l, b.Transport)

	never := protocoltest.Connect(protocol.Stack(&late{}, nil))
	never.Stall(true)
	never.EOF()
	never.Reset()
	assert.Error(t, never.Lost())
}

// What waits when a late protocol comes is resumed for the layer alone: the new
// one never heard of the pause.
func TestWriterIsNotResumedUnpaused(t *testing.T) {
	f := &full{}
	l := protocol.Stack(&plain{}, nil)
	l.Above = &bare{}
	tr := protocoltest.Connect(l)
	tr.Stall(true)
	tr.Do(func() { l.Write(make([]byte, 1<<20)) })
	tr.Do(func() { l.Above = f; protocol.Connect(f, l) })
	tr.Stall(false)
	assert.Equal(t, "read", f.take())
}

// A layer that was not made with Stack says so.
func TestLayerNeedsStack(t *testing.T) {
	var panicked *protocol.PanicError
	require.ErrorAs(t, protocoltest.Connect(&plain{}).Lost(), &panicked)
	assert.Contains(t, panicked.Error(), "Stack")
}

// A layer serves one connection, whether it is begun with Connect or by hand.
func TestLayerServesOneConnection(t *testing.T) {
	var panicked *protocol.PanicError
	l := protocol.Stack(&plain{}, &bare{})
	protocoltest.Connect(l)
	require.ErrorAs(t, protocoltest.Connect(l).Lost(), &panicked)
	assert.Equal(t, protocol.Reused, panicked.Value)

	host := protocoltest.Connect(&bare{})
	l = protocol.Stack(&plain{}, &bare{})
	l.ConnectionMade(host.Transport)
	assert.Equal(t, host.Transport, l.Below)
	assert.PanicsWithValue(t, protocol.Reused, func() { l.ConnectionMade(&pipe{}) })
}

// Through layers that code, lag and pause, in whatever pieces, both sides hear
// exactly what was said, in order.
func TestConversationThroughLayers(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		server, client := &bare{}, &bare{}
		p := protocoltest.NewPump(
			protocol.Stack(&lagging{}, protocol.Stack(&rot13{}, client)),
			protocol.Stack(&rot13{}, protocol.Stack(&lagging{}, server)))
		p.MaxPiece(1 + r.IntN(50))
		var said [2]string
		for i := range 200 {
			b := []*bare{server, client}[i%2]
			p.Do(func() {
				switch r.IntN(6) {
				case 0:
					b.PauseReading()
				case 1:
					b.ResumeReading()
				default:
					s := strings.Repeat(fmt.Sprintf("%c%d ", 'a'+i%26, i), 1+r.IntN(30))
					fmt.Fprint(b, s)
					said[i%2] += s
				}
			})
			p.Advance(time.Duration(r.IntN(900)) * time.Millisecond)
		}
		p.Do(func() { server.ResumeReading(); client.ResumeReading() })
		p.Do(func() { server.LoseConnection() })
		p.Advance(time.Minute)
		assert.Equal(t, said[0], client.heard)
		assert.ErrorIs(t, p.Server.Lost(), protocol.ErrConnectionDone)
		assert.ErrorIs(t, p.Client.Lost(), protocol.ErrConnectionDone)
		assert.True(t, strings.HasPrefix(said[1], server.heard))
	}
}

// While a layer reads on for itself, nobody above is told to read on before it wants
// to, and the end is no exception to what is legal.
func TestReadOnTellsNobodyWhoIsPaused(t *testing.T) {
	f := &full{}
	top := protocol.Stack(&plain{}, f)
	tr := protocoltest.Connect(top)
	tr.Do(f.PauseReading)
	tr.Do(func() { top.ReadOn(true) })
	tr.Advance(0)
	assert.Empty(t, f.take())
	tr.Do(f.ResumeReading)
	assert.Equal(t, "read", f.take())
	tr.Do(func() { f.PauseReading(); f.Abort(); f.ResumeReading() })
	tr.Do(func() { f.PauseReading(); f.ResumeReading() })
	assert.Equal(t, "lost", f.take())
}
