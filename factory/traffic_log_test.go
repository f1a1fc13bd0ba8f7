package factory_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// timeless is a logger whose lines have no time.
func timeless(w *bytes.Buffer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: noTime}))
}

func noTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == "peer" {
		return slog.Attr{}
	}
	return a
}

// through connects p through a policy.
func through(around func(factory.Factory) factory.Factory, p protocol.Protocol) *protocoltest.Transport {
	return protocoltest.Connect(around(factory.Each(func() protocol.Protocol { return p })).BuildProtocol(host("192.0.2.2:50000")))
}

func ExampleTrafficLog() {
	withoutTime := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	log := factory.TrafficLog{Logger: slog.New(slog.NewTextHandler(os.Stdout, withoutTime)), MaxBytes: 8}
	f := log.Around(factory.Each(func() protocol.Protocol { return &shouter{} }))

	peer := protocoltest.Connect(f.BuildProtocol(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 50000}))
	peer.Receive("hello\r\n")
	peer.Receive("is anybody there?\r\n")
	peer.EOF()
	// Output:
	// level=DEBUG msg="connection made" conn=1 peer=192.0.2.2:50000
	// level=DEBUG msg=received conn=1 peer=192.0.2.2:50000 n=7 data="hello\r\n"
	// level=DEBUG msg=sent conn=1 peer=192.0.2.2:50000 n=7 data="HELLO\r\n"
	// level=DEBUG msg=received conn=1 peer=192.0.2.2:50000 n=19 data="is anybo"
	// level=DEBUG msg=sent conn=1 peer=192.0.2.2:50000 n=19 data="IS ANYBO"
	// level=DEBUG msg="peer ended its side" conn=1 peer=192.0.2.2:50000
	// level=DEBUG msg=closing conn=1 peer=192.0.2.2:50000
	// level=DEBUG msg="connection lost" conn=1 peer=192.0.2.2:50000 reason="connection done"
}

// A shouter answers in capitals, in two pieces.
type shouter struct{ protocol.Base }

func (s *shouter) DataReceived(data []byte) {
	upper := bytes.ToUpper(data)
	s.Write(upper[:1])
	s.Write(upper[1:])
}

// Every way to write and to end is logged, once, and in order.
func TestTrafficLogTellsEverything(t *testing.T) {
	var b bytes.Buffer
	for _, c := range []struct {
		does func(tr *protocoltest.Transport, p *probe)
		want string
	}{
		{func(tr *protocoltest.Transport, p *probe) {
			w, _ := protocol.As[protocol.SharedWriter](p.Transport)
			room, _ := protocol.As[protocol.BufferAvailer](p.Transport)
			tr.Do(func() {
				p.Write(append(room.AvailableBuffer(), "one "...))
				w.WriteShared([]byte("two "))
				p.Write([]byte("\xff"))
			})
			tr.Do(func() { p.CloseWrite(); p.CloseWrite(); p.Write([]byte("refused")) })
			tr.Receive("three")
		}, `
			msg=sent n=9 data="one two \xff"
			msg="ended our side"
			msg=received n=5 data="three"
			msg="connection lost" reason="recv: connection reset by peer"`},
		{func(tr *protocoltest.Transport, p *probe) {
			tr.Do(func() { p.Write([]byte("a")); p.LoseConnection(); p.LoseConnection(); p.CloseWrite() })
		}, `
			msg=sent n=1 data="a"
			msg=closing
			msg="connection lost" reason="connection done"`},
		{func(tr *protocoltest.Transport, p *probe) {
			tr.Do(func() { p.Write([]byte("a")); p.CloseWrite(); p.Abort(); p.LoseConnection() })
		}, `
			msg=sent n=1 data="a"
			msg="ended our side"
			msg=aborting
			msg="connection lost" reason="connection aborted"`},
		{func(tr *protocoltest.Transport, p *probe) {
			tr.Do(func() { p.Write([]byte("a")); p.Abort() })
			tr.Do(p.Abort)
		}, `
			msg=aborting dropped=1
			msg="connection lost" reason="connection aborted"`},
		{func(tr *protocoltest.Transport, p *probe) { tr.Shutdown() }, `
			msg="server is going down"
			msg=closing
			msg="connection lost" reason="connection done"`},
		{func(tr *protocoltest.Transport, p *probe) {
			p.data = func(t protocol.Transport, _ []byte) { t.Write([]byte("dropped")); panic("x") }
			tr.Receive("a")
		}, `
			msg=received n=1 data="a"
			msg=aborting dropped=7
			msg="connection lost" reason="panic in a protocol: x"`},
	} {
		p := &probe{}
		log := factory.TrafficLog{Logger: timeless(&b, slog.LevelDebug)}
		tr := through(log.Around, p)
		b.Reset()
		c.does(tr, p)
		tr.Reset()
		want := strings.TrimSpace(strings.ReplaceAll(c.want, "\t", ""))
		assert.Equal(t, want, strings.TrimSpace(strings.ReplaceAll(b.String(), " conn=1", "")))
	}
}

// Connections are counted, those of all loops together.
func TestTrafficLogNumbersConnections(t *testing.T) {
	var b bytes.Buffer
	log := factory.TrafficLog{Logger: timeless(&b, slog.LevelDebug)}
	probes := factory.Each(func() protocol.Protocol { return &probe{} })
	one, other := log.Around(probes), log.Around(probes)
	for _, f := range []factory.Factory{one, other, one} {
		protocoltest.Connect(f.BuildProtocol(nil))
	}
	assert.Equal(t, "msg=\"connection made\" conn=1\nmsg=\"connection made\" conn=2\nmsg=\"connection made\" conn=3\n", b.String())
	refused := new(factory.TrafficLog).Around(factory.Each(func() protocol.Protocol { return nil }))
	assert.Nil(t, refused.BuildProtocol(nil))
}

// With a negative MaxBytes nothing of what was said is in the log.
func TestTrafficLogKeepsSecrets(t *testing.T) {
	var b bytes.Buffer
	tr := through((&factory.TrafficLog{Logger: timeless(&b, slog.LevelDebug), MaxBytes: -1}).Around, &shouter{})
	tr.Receive("secret")
	assert.Contains(t, b.String(), "msg=received conn=1 n=6\nmsg=sent conn=1 n=6\n")
}

// JSON has the bytes as Go writes them, too.
func TestTrafficLogInJSON(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: noTime}))
	tr := through((&factory.TrafficLog{Logger: log}).Around, &probe{})
	b.Reset()
	tr.Receive("a\xff\"é\r\n")
	assert.Equal(t, `{"msg":"received","conn":1,"n":7,"data":"\"a\\xff\\\"\\u00e9\\r\\n\""}`+"\n", b.String())
}

// A handler may keep what it is given, and any handler can print it.
func TestTrafficLogGivesNothingLent(t *testing.T) {
	k := &keeping{}
	tr := through((&factory.TrafficLog{Logger: slog.New(k)}).Around, &shouter{})
	tr.Receive("hello")
	tr.Receive("world")
	assert.Equal(t, []string{`"hello"`, `"HELLO"`, `"world"`, `"WORLD"`}, k.data())
}

// A keeping handler keeps all records.
type keeping struct{ records []slog.Record }

func (k *keeping) Enabled(context.Context, slog.Level) bool { return true }
func (k *keeping) WithAttrs([]slog.Attr) slog.Handler       { return k }
func (k *keeping) WithGroup(string) slog.Handler            { return k }

func (k *keeping) Handle(_ context.Context, r slog.Record) error {
	k.records = append(k.records, r)
	return nil
}

func (k *keeping) data() (all []string) {
	for _, r := range k.records {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "data" {
				all = append(all, fmt.Sprint(a.Value))
			}
			return true
		})
	}
	return all
}

// The level is asked each time: a log can be turned on while there are connections.
func TestTrafficLogIsTurnedOn(t *testing.T) {
	var b bytes.Buffer
	var level slog.LevelVar
	tr := through((&factory.TrafficLog{Logger: timeless(&b, slog.LevelInfo), Level: &level}).Around, &shouter{})
	level.Set(slog.LevelDebug)
	b.Reset()
	tr.Receive("unheard")
	assert.Empty(t, b.String())
	level.Set(slog.LevelInfo)
	tr.Receive("x")
	assert.Equal(t, "msg=received conn=1 n=1 data=\"x\"\nmsg=sent conn=1 n=1 data=\"X\"\n", b.String())
}

// Without a level that is logged a message costs no memory, and what is formatted
// in the lent buffer stays there.
func TestSilentTrafficLogCostsNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("debug builds look at the goroutine each time")
	}
	p := &probe{}
	f := (&factory.TrafficLog{Logger: slog.New(slog.DiscardHandler)}).Around(factory.Each(func() protocol.Protocol { return p }))
	outer := f.BuildProtocol(nil)
	tr := protocoltest.Connect(outer)
	room, ok := protocol.As[protocol.BufferAvailer](p.Transport)
	assert.True(t, ok)
	data, line := []byte("x"), []byte("line\r\n")
	tr.Do(func() {
		assert.Zero(t, testing.AllocsPerRun(100, func() { outer.DataReceived(data) }))
	})
	allocs := -1.0
	p.data = func(protocol.Transport, []byte) {
		allocs = testing.AllocsPerRun(100, func() { p.Write(append(room.AvailableBuffer(), line...)) })
		before := room.AvailableBuffer()
		p.Write(append(before, line...))
		after := room.AvailableBuffer()
		assert.Equal(t, cap(before)-len(line), cap(after), "it was written there")
		assert.Same(t, &before[:1+len(line)][len(line)], &after[:1][0])
	}
	tr.Receive("now")
	assert.Zero(t, allocs)
	assert.Equal(t, strings.Repeat("line\r\n", 102), tr.Take())
}
