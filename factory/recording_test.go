package factory_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A tape is what a recording writes to.
type tape struct {
	bytes.Buffer
	writes, closed int
	err, closeErr  error
}

func (t *tape) Write(p []byte) (int, error) {
	t.writes++
	if t.err != nil {
		return 0, t.err
	}
	return t.Buffer.Write(p)
}

func (t *tape) Close() error { t.closed++; return t.closeErr }

// on records on t.
func on(t *tape) *factory.Recording {
	return &factory.Recording{Open: func(net.Addr) (io.WriteCloser, error) { return t, nil }}
}

func ExampleRecording() {
	into := func(net.Addr) (io.WriteCloser, error) { return printer{}, nil } // see also InFolder
	recording := factory.Recording{Open: into}
	f := recording.Around(factory.Each(func() protocol.Protocol { return &shouter{} }))

	peer := protocoltest.Connect(f.BuildProtocol(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 50000}))
	peer.Receive("hello\r\nis any")
	peer.Advance(1500 * time.Millisecond)
	peer.Receive("body there?\r\n")
	peer.Receive("\x00\x01")
	peer.EOF()
	// Output:
	// # 192.0.2.2:50000, 2000-01-01T00:00:00Z
	// C: hello
	// C| is any
	// S: HELLO
	// S| IS ANY
	// T~ 1.5s
	// C: body there?
	// S: BODY THERE?
	// C"\x00\x01"
	// S"\x00\x01"
	// C.
	// S.
	// # connection done
}

// A printer prints.
type printer struct{}

func (printer) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (printer) Close() error                { return nil }

// What is no text, or not what it seems to be, is quoted, and all of it is said.
func TestRecordingQuotesWhatIsNoText(t *testing.T) {
	for said, want := range map[string]string{
		"\r\n":                           "C:\n",
		" a\r\nb":                        "C:  a\nC| b\n",
		"a\n\r\n\n":                      "C\"a\\n\"\nC:\nC\"\\n\"\n",
		"a\r":                            "C\"a\\r\"\n",
		"a\tb":                           "C\"a\\tb\"\n",
		"trailing \r\n":                  "C\"trailing \\r\\n\"\n",
		"C: é\"\\\r\n":                   "C: C: é\"\\\n",
		"no-break\u00a0\u2028":           "C\"no-break\\u00a0\\u2028\"\n",
		"\ufffd":                         "C\"\ufffd\"\n",
		"\x00" + strings.Repeat("a", 70): "C\"\\x00" + strings.Repeat("a", 63) + "\"\nC| aaaaaaa\n",
		"\xc3":                           "C\"\\xc3\"\n",
	} {
		var b tape
		tr := through(on(&b).Around, &probe{})
		b.Reset()
		tr.Receive(said)
		assert.Equal(t, want, b.String(), "%q", said)
	}
}

// Each event is one write, so that a file is up to date and ends between two.
func TestRecordingWritesOncePerEvent(t *testing.T) {
	var b tape
	p := &shouter{}
	tr := through(on(&b).Around, p)
	for n := range 5 {
		assert.Equal(t, 1+n, b.writes)
		tr.Receive("hello\r\nhello\r\n")
	}
	tr.Do(func() { fmt.Fprint(p, "a"); fmt.Fprint(p, "b") })
	assert.Equal(t, 7, b.writes)
	assert.True(t, strings.HasSuffix(b.String(), "\nS| ab\n"), b.String())
	tr.Receive("x")
	tr.Reset()
	assert.Equal(t, 1, b.closed)
}

// S. comes behind the last that is written, and only where the protocol itself
// has ended its side: what comes from outside nobody could play.
func TestRecordingTellsWhoEnds(t *testing.T) {
	for _, c := range []struct {
		does func(tr *protocoltest.Transport, p *probe)
		want string
	}{
		{func(tr *protocoltest.Transport, p *probe) {
			tr.Do(func() { p.Write([]byte("a")); p.CloseWrite() })
			tr.Advance(time.Minute)
			tr.Receive("b")
			tr.Do(p.LoseConnection)
		}, "S| a\nS.\nT~ 1m0s\nC| b\n# connection done\n"},
		{func(tr *protocoltest.Transport, p *probe) {
			r, _ := protocol.As[protocol.ProducerRegistry](p.Transport)
			tr.Do(func() { assert.NoError(t, r.RegisterProducer(idler{}, true)); p.LoseConnection() })
			tr.Do(func() { p.Write([]byte("a")); r.UnregisterProducer() })
		}, "S| a\nS.\n# connection done\n"},
		{func(tr *protocoltest.Transport, p *probe) {
			tr.Do(func() { p.Write([]byte("dropped")); p.Abort() })
		}, "S.\n# connection aborted\n"},
		{func(tr *protocoltest.Transport, p *probe) { tr.EOF() }, "C.\nS.\n# connection done\n"},
		{func(tr *protocoltest.Transport, p *probe) { tr.Shutdown() }, "D.\nS.\n# connection done\n"},
		{func(tr *protocoltest.Transport, p *probe) { tr.Do(tr.LoseConnection) }, "# connection done\n"},
		{func(tr *protocoltest.Transport, p *probe) { tr.Do(func() {}) }, "# recv: connection reset by peer\n"},
		{func(tr *protocoltest.Transport, p *probe) {
			n, _ := protocol.As[protocol.Notifier](p.Transport)
			tr.Do(func() { n.SetReason(errors.Join(errFailed, errFailed)); p.Abort() })
		}, "S.\n# failed; failed\n"},
		{func(tr *protocoltest.Transport, p *probe) {
			p.data = func(protocol.Transport, []byte) { panic("x") }
			tr.Receive("a")
		}, "C| a\nS.\n# panic in a protocol: x\n"},
	} {
		var b tape
		p := &probe{}
		tr := through(on(&b).Around, p)
		b.Reset()
		c.does(tr, p)
		tr.Reset()
		assert.Equal(t, c.want, b.String())
		assert.Equal(t, 1, b.closed)
	}
}

// An idler produces nothing.
type idler struct{}

func (idler) ResumeProducing() {}
func (idler) PauseProducing()  {}
func (idler) StopProducing()   {}

// Time is told in whole milliseconds, and none is lost.
func TestRecordingTellsTime(t *testing.T) {
	var b tape
	tr := through(on(&b).Around, &probe{})
	b.Reset()
	for range 4 {
		tr.Advance(700 * time.Microsecond)
		tr.Receive("x")
	}
	assert.Equal(t, "C| x\nT~ 1ms\nC| x\nT~ 1ms\nC| x\nC| x\n", b.String())
}

// A connection does not notice that it cannot be recorded; the log does, once.
func TestRecordingFails(t *testing.T) {
	broken := &tape{err: errFailed}
	var none *os.File // as os.Create answers
	panics := 0
	for name, open := range map[string]func(net.Addr) (io.WriteCloser, error){
		"open":  func(net.Addr) (io.WriteCloser, error) { return none, errFailed },
		"write": func(net.Addr) (io.WriteCloser, error) { return broken, nil },
		"close": func(net.Addr) (io.WriteCloser, error) { return &tape{closeErr: errFailed}, nil },
		"panic": func(net.Addr) (io.WriteCloser, error) { panics++; panic(errFailed) },
	} {
		var log bytes.Buffer
		tr := through((&factory.Recording{Open: open, Logger: timeless(&log, slog.LevelInfo)}).Around, &shouter{})
		if name == "panic" {
			assert.ErrorIs(t, tr.Lost(), errFailed, "a panic ends it, as any in its events")
			continue
		}
		tr.Receive("hello\r\n")
		tr.Receive("hello\r\n")
		assert.Equal(t, "HELLO\r\nHELLO\r\n", tr.Take(), name)
		tr.EOF()
		assert.Equal(t, protocol.ErrConnectionDone, tr.Lost())
		assert.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
		assert.Contains(t, log.String(), "err=failed")
	}
	assert.Equal(t, 1, panics)
	assert.Equal(t, 1, broken.writes)
	assert.Equal(t, 1, broken.closed)
}

// A nil writer leaves a connection out.
func TestRecordingLeavesOut(t *testing.T) {
	opened := 0
	r := factory.Recording{Open: func(net.Addr) (io.WriteCloser, error) { opened++; return nil, nil }}
	tr := through(r.Around, &shouter{})
	tr.Receive("a")
	tr.Receive("b")
	tr.EOF()
	assert.Equal(t, "AB", tr.Take())
	assert.Equal(t, 1, opened)
}

// A transcript ends in front of the event that would make it too long, however
// much that writes, and so it can still be played.
func TestRecordingIsBounded(t *testing.T) {
	const short = "C: hello\nS: HELLO\n"
	var header tape
	through(on(&header).Around, &shouter{})
	for name, long := range map[string]func(tr *protocoltest.Transport, p *shouter){
		"received": func(tr *protocoltest.Transport, p *shouter) { tr.Receive(strings.Repeat("b", 300)) },
		"written":  func(tr *protocoltest.Transport, p *shouter) { tr.Do(func() { p.Write(make([]byte, 1<<20)) }) },
		"written in pieces": func(tr *protocoltest.Transport, p *shouter) {
			tr.Do(func() {
				for range 1000 {
					fmt.Fprint(p, "12345")
				}
			})
		},
	} {
		for _, size := range []int{header.Len() + len(short), 300} {
			var b tape
			r := on(&b)
			r.MaxSize = size
			p := &shouter{}
			tr := through(r.Around, p)
			b.Reset()
			tr.Receive("hello\r\n")
			long(tr, p)
			assert.Equal(t, short+"# MaxSize: the rest is not recorded\n", b.String(), "%s, %d", name, size)
			assert.Equal(t, 1, b.closed)
			tr.Receive("x")
			tr.EOF()
			assert.NotEmpty(t, tr.Take())
			assert.Equal(t, 3, b.writes)
			assert.Equal(t, 1, b.closed)
		}
	}
}

// No more than MaxConnections are recorded, of all the factories together, which is
// said once.
func TestRecordingCountsConnections(t *testing.T) {
	var b tape
	var log bytes.Buffer
	r := on(&b)
	r.MaxConnections, r.Logger = 2, timeless(&log, slog.LevelInfo)
	p := &probe{}
	each := factory.Each(func() protocol.Protocol { return p })
	one, other := r.Around(each), r.Around(each)
	for n := range 5 {
		assert.Equal(t, n >= 1, one.BuildProtocol(nil) == protocol.Protocol(p))
		assert.Equal(t, n >= 1, other.BuildProtocol(nil) == protocol.Protocol(p))
	}
	assert.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	assert.Nil(t, r.Around(factory.Each(func() protocol.Protocol { return nil })).BuildProtocol(nil))
}

// By default each connection has a file of its own, which nobody else may read.
func TestRecordingIntoFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	for range 3 {
		tr := through(new(factory.Recording).Around, &probe{})
		tr.Receive("hello\r\n")
		tr.EOF()
	}
	files, err := filepath.Glob("transcripts/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Contains(t, string(text), "\nC: hello\nC.\nS.\n")
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077)
	}
	_, err = factory.InFolder(files[0])(nil)
	assert.Error(t, err, "a file is no folder")
}
