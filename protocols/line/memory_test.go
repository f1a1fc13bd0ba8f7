package line

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

// A counter hears lines and says nothing.
type counter struct {
	Base
	lines, bytes int
}

func (c *counter) LineReceived(l []byte) {
	c.lines++
	c.bytes += len(l)
}

func (c *counter) LineTooLong(int) bool { return true }

func connect(h Handler) *receiver {
	r := New(h).(*receiver)
	r.ConnectionMade(&sink{})
	return r
}

// Lines that lie within one read are handed up where they lie.
func TestWholeLinesAllocateNothing(t *testing.T) {
	c := &counter{}
	r := connect(c)
	data := []byte(strings.Repeat("a line of ordinary length\r\n", 100))
	assert.Zero(t, testing.AllocsPerRun(100, func() { r.DataReceived(data) }))
	assert.Equal(t, 101*100, c.lines)
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.SendLine("an answer") }))
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.SendBytes(data, data) }))
}

// A line in two reads costs one buffer, which the next such line uses again.
func TestSplitLinesShareBuffer(t *testing.T) {
	r := connect(&counter{})
	one, two := []byte("lf\r\na ha"), []byte("lf\r\na ha")
	r.DataReceived(one)
	assert.Zero(t, testing.AllocsPerRun(100, func() { r.DataReceived(two) }))
}

// A patient handler pauses on each line.
type patient struct{ Base }

func (p *patient) LineReceived([]byte) { p.PauseReading() }

// Whoever pauses on every line of a full read has it copied once.
func TestPausesCopyOnce(t *testing.T) {
	r := connect(&patient{})
	r.DataReceived([]byte(strings.Repeat("one\r\n", 2000)))
	resume := func() {
		r.conn.Transport.(*sink).paused = false
		r.ReadResumed()
	}
	assert.Zero(t, testing.AllocsPerRun(1000, resume))
	assert.Equal(t, (2000-1-1001)*len("one\r\n"), r.split.Len())
}

// A connection that owes no line owns no buffer, and one that owes a short line
// no large one.
func TestIdleOwnsNoBuffer(t *testing.T) {
	c := &counter{}
	r := connect(c)
	idle := func() bool { return r.split.held == nil && r.split.rest == nil }
	r.DataReceived([]byte("one\r\ntw"))
	assert.False(t, idle())
	r.DataReceived([]byte("o\r\n"))
	assert.True(t, idle())
	long := []byte(strings.Repeat("x", 15<<10))
	r.DataReceived(long)
	r.DataReceived([]byte("\r\nx"))
	assert.LessOrEqual(t, cap(r.split.held), keepCap)
	r.DataReceived([]byte("\r\n"))
	assert.True(t, idle())
	assert.Equal(t, 4, c.lines)
	r.DataReceived(long)
	r.DataReceived(long)
	assert.LessOrEqual(t, cap(r.split.held), 16, "of a line that is thrown away")
}

func BenchmarkLines(b *testing.B) {
	for name, text := range map[string]string{"16": "fourteen bytes", "80": strings.Repeat("x", 78)} {
		b.Run(name, func(b *testing.B) {
			r := connect(&counter{})
			const lines = 100
			data := []byte(strings.Repeat(text+"\r\n", lines))
			for b.Loop() {
				r.DataReceived(data)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
		})
	}
}

// One line per read, which is what most protocols that answer each line see.
func BenchmarkLinePerRead(b *testing.B) {
	r := connect(&counter{})
	data := []byte("a line of ordinary length\r\n")
	for b.Loop() {
		r.DataReceived(data)
	}
}

// The peer cuts its lines in the worst way.
func BenchmarkByteByByte(b *testing.B) {
	r := connect(&counter{})
	data := []byte(strings.Repeat("x", 78) + "\r\n")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for i := range data {
			r.DataReceived(data[i : i+1])
		}
	}
}

func BenchmarkSendLine(b *testing.B) {
	c := &counter{}
	connect(c)
	for b.Loop() {
		c.SendLine("a line of ordinary length")
	}
}
