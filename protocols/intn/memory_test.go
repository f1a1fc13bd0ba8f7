package intn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
)

// A sink is a transport that takes everything.
type sink struct{ protocol.Transport }

func (sink) Reading() bool               { return true }
func (sink) Write(p []byte) (int, error) { return len(p), nil }

// A counter hears strings and says nothing.
type counter struct {
	Base
	strings, bytes int
}

func (c *counter) StringReceived(s []byte) {
	c.strings++
	c.bytes += len(s)
}

// connected returns what a peer of c has to say to be heard n times.
func connected(config Config, h Handler, n int) (p protocol.Protocol, data []byte) {
	p = config.New(h)
	p.ConnectionMade(sink{})
	one := append(config.format().append(nil, 14), "fourteen bytes"...)
	return p, []byte(strings.Repeat(string(one), n))
}

// Strings that lie within one read are handed up where they lie, and sending
// them costs nothing either.
func TestWholeStringsAllocateNothing(t *testing.T) {
	for _, config := range []Config{{Prefix: Int8}, {Prefix: Int16}, {}, {LittleEndian: true}, {Prefix: Varint}} {
		c := &counter{}
		p, data := connected(config, c, 100)
		assert.Zero(t, testing.AllocsPerRun(100, func() { p.DataReceived(data) }))
		assert.Equal(t, 101*100, c.strings)
		assert.Zero(t, testing.AllocsPerRun(100, func() { _ = c.SendString("an answer") }))
		assert.Zero(t, testing.AllocsPerRun(100, func() { _ = c.SendBytes(data[:50], data[:50]) }))
	}
}

func BenchmarkStrings(b *testing.B) {
	for name, config := range map[string]Config{"Int32": {}, "Varint": {Prefix: Varint}} {
		b.Run(name, func(b *testing.B) {
			const strs = 100
			p, data := connected(config, &counter{}, strs)
			for b.Loop() {
				p.DataReceived(data)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*strs), "ns/string")
		})
	}
}

// The peer cuts its strings in the worst way.
func BenchmarkByteByByte(b *testing.B) {
	p, data := connected(Config{}, &counter{}, 1)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for i := range data {
			p.DataReceived(data[i : i+1])
		}
	}
}

func BenchmarkSendString(b *testing.B) {
	c := &counter{}
	connected(Config{}, c, 0)
	for b.Loop() {
		_ = c.SendString("a string of ordinary length")
	}
}
