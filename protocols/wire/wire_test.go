package wire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/wire"
	"github.com/torsion-go/torsion/protocoltest"
)

func Example() {
	tr := protocoltest.Connect(wire.Echo())
	tr.Receive("Is anybody there?")
	fmt.Println(tr.Take())
	// Output: Is anybody there?
}

// An echo sends the bytes back, wherever they were cut.
func TestEcho(t *testing.T) {
	for cut, pieces := range protocoltest.Cuts("some\r\nbytes\x00\xff") {
		t.Run(cut, func(t *testing.T) {
			tr := protocoltest.Connect(wire.Echo())
			for _, p := range pieces {
				tr.Receive(p)
			}
			tr.EOF()
			assert.Equal(t, "some\r\nbytes\x00\xff", tr.Take())
			assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
		})
	}
}

// An echo whose peer reads nothing reads no more either.
func TestEchoIsBounded(t *testing.T) {
	tr := protocoltest.Connect(wire.Echo())
	tr.Stall(true)
	tr.Receive(strings.Repeat("x", 4<<20))
	var waiting int
	tr.Do(func() { waiting = tr.Buffered() })
	assert.Less(t, waiting, 512<<10)
	tr.Stall(false)
	n := 0
	for s := tr.Take(); s != ""; s = tr.Take() {
		n += len(s)
	}
	assert.Equal(t, 4<<20, n)
}

// Discard says nothing until the end.
func TestDiscard(t *testing.T) {
	tr := protocoltest.Connect(wire.Discard())
	tr.Receive("anything")
	tr.EOF()
	assert.Empty(t, tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
}

// A reader reads so much and then waits.
type reader struct {
	protocol.Base
	want int
	read []byte
}

func (r *reader) ConnectionMade(t protocol.Transport) { t.PauseReading() }

func (r *reader) DataReceived(data []byte) {
	r.read = append(r.read, data...)
	if len(r.read) >= r.want {
		r.PauseReading()
	}
}

// A peer that takes nothing costs no more than the high-water mark and one
// cycle. When it takes again the lines go on where they were.
func TestChargenIsBounded(t *testing.T) {
	client := &reader{}
	pump := protocoltest.NewPump(client, wire.Chargen())
	for range 5 {
		pump.Advance(time.Second)
		var waiting int
		pump.Do(func() { waiting = pump.Server.Buffered() })
		assert.Greater(t, waiting, 256<<10)
		assert.Less(t, waiting, 272<<10)
		client.want += 1 << 20
		pump.Do(client.ResumeReading)
	}
	lines := strings.SplitAfter(string(client.read), "\r\n")
	checkLines(t, lines[:len(lines)-1])
	assert.Greater(t, len(lines), 5<<20/74)
}

// RFC 864, section "Data syntax": 72 characters, then the same one further on.
func checkLines(t *testing.T, lines []string) {
	assert.Equal(t, ` !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`+"`abcdefg\r\n", lines[0])
	assert.Equal(t, "~"+lines[0][:71]+"\r\n", lines[94])
	for i, l := range lines[1:] {
		if l[:71] != lines[i][1:72] || len(l) != 74 {
			t.Fatalf("line %d is %q, and the one before %q", i+1, l, lines[i])
		}
	}
}

// What a client sends is thrown away, and its end is the end.
func TestChargenEnds(t *testing.T) {
	client := &reader{want: 1}
	pump := protocoltest.NewPump(client, wire.Chargen())
	pump.Do(func() { client.Write([]byte("enough")); client.LoseConnection() })
	pump.Advance(time.Minute)
	assert.Error(t, pump.Server.Lost())
	assert.Error(t, pump.Client.Lost())
	assert.Zero(t, pump.Server.Timers())
}

// Daytime is one line for people (RFC 867).
func TestDaytime(t *testing.T) {
	tr := protocoltest.Connect(wire.Daytime())
	assert.Equal(t, "Saturday, January 1, 2000 00:00:00-UTC\r\n", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
}

// RFC 868 has an example: 1 January 1980 is 2,524,521,600.
func TestTime(t *testing.T) {
	tr := protocoltest.Connect(wire.Time())
	const from1980to2000 = 20*365*24*60*60 + 5*24*60*60
	var n uint32
	for _, b := range []byte(tr.Take()) {
		n = n<<8 | uint32(b)
	}
	assert.Equal(t, uint32(2_524_521_600+from1980to2000), n)
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
}

// Each connection gets a quote of its own, and then the end.
func TestQuoteOfTheDay(t *testing.T) {
	n := 0
	f := wire.QuoteOfTheDay(func() string { n++; return fmt.Sprintf("quote %d\r\n", n) })
	for _, want := range []string{"quote 1\r\n", "quote 2\r\n"} {
		tr := protocoltest.Connect(f.BuildProtocol(nil))
		assert.Equal(t, want, tr.Take())
		assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	}
}
