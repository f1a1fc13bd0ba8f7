package protocol_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

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
