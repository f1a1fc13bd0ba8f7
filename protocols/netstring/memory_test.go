package netstring

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
)

// A sink is a transport that takes everything.
type sink struct {
	protocol.Transport
	paused bool
}

func (s *sink) Reading() bool               { return !s.paused }
func (s *sink) PauseReading()               { s.paused = true }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// A counter hears netstrings and says nothing.
type counter struct {
	Base
	strings, bytes int
}

func (c *counter) StringReceived(s []byte) {
	c.strings++
	c.bytes += len(s)
}

func connect(h Handler) protocol.Protocol {
	p := New(h)
	p.ConnectionMade(&sink{})
	return p
}

// Netstrings that lie within one read are handed up where they lie, and sending
// them costs nothing either.
func TestWholeNetstringsAllocateNothing(t *testing.T) {
	c := &counter{}
	p := connect(c)
	data := []byte(strings.Repeat("12:hello, world,", 100))
	assert.Zero(t, testing.AllocsPerRun(100, func() { p.DataReceived(data) }))
	assert.Equal(t, 101*100, c.strings)
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.SendString("an answer") }))
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.SendBytes(data, data) }))
}

func BenchmarkNetstrings(b *testing.B) {
	p := connect(&counter{})
	const strs = 100
	data := []byte(strings.Repeat("14:fourteen bytes,", strs))
	for b.Loop() {
		p.DataReceived(data)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*strs), "ns/netstring")
}

// The peer cuts its netstrings in the worst way.
func BenchmarkByteByByte(b *testing.B) {
	p := connect(&counter{})
	data := []byte("76:" + strings.Repeat("x", 76) + ",")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for i := range data {
			p.DataReceived(data[i : i+1])
		}
	}
}

func BenchmarkSendString(b *testing.B) {
	c := &counter{}
	connect(c)
	for b.Loop() {
		c.SendString("a string of ordinary length")
	}
}
