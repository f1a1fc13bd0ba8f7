package factory

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/torsion-go/torsion/protocol"
)

// A TrafficLog logs what is said on connections: that one is made, what it has
// received and sent ("n" bytes, "data" the first of them), who ends it how, and
// the reason for which it is lost. "conn" counts the connections, those of all
// factories that the same TrafficLog is put around, also of different loops; "peer" is
// the other side. What one event writes is one line of the log, before it is sent. Of
// a file (SendFile) it logs the name, and what was sent of it when that is done: its
// content stays out of the program.
//
// Around a factory that adds TLS it logs what goes over the wire, inside one what
// is said.
//
// What people say has passwords in it. There is no filter: it would miss those
// that the network cuts in two. A negative MaxBytes logs only how much is said.
type TrafficLog struct {
	Logger   *slog.Logger // slog.Default() if nil
	Level    slog.Leveler // slog.LevelDebug if nil; asked each time
	MaxBytes int          // the most that is shown of one piece; 256 if zero, none if negative

	conns atomic.Int64 // that there were
}

// Around returns f with the log of each of its connections, as l is set now. It may be
// called on several goroutines.
func (l *TrafficLog) Around(f Factory) Factory {
	to := &logged{l.Logger, l.Level, l.MaxBytes, &l.conns}
	if to.log == nil {
		to.log = slog.Default()
	}
	if to.level == nil {
		to.level = slog.LevelDebug
	}
	if to.max == 0 {
		to.max = 256
	}
	return Around(f, to.wrap)
}

// logged is what the connections have in common.
type logged struct {
	log   *slog.Logger
	level slog.Leveler
	max   int
	conns *atomic.Int64 // of the TrafficLog
}

func (f *logged) wrap(p protocol.Protocol, peer net.Addr) protocol.Protocol {
	log := f.log.With("conn", f.conns.Add(1), "peer", peer)
	return &tap{Protocol: p, ear: &reporter{log, f.level, f.max}}
}

// A reporter is the ear that logs.
type reporter struct {
	log   *slog.Logger
	level slog.Leveler
	max   int
}

var inWords = [lost]string{
	received: "received",
	sent:     "sent",
	peerDone: "peer ended its side",
	goDown:   "server is going down",
	weDone:   "ended our side",
	closing:  "closing",
	aborted:  "aborting",
}

func (r *reporter) begin(protocol.Transport) { r.report("connection made") }

func (r *reporter) hear(e event) {
	what := inWords[e.what]
	switch {
	case !r.enabled():
	case e.n == 0:
		r.report(what)
	case e.what == aborted:
		r.report(what, "dropped", e.n)
	case r.max < 0:
		r.report(what, "n", e.n)
	default:
		r.report(what, "n", e.n, "data", said(bytes.Clone(e.data[:min(len(e.data), r.max)])))
	}
}

func (r *reporter) end(reason error) { r.report("connection lost", "reason", reason) }

func (r *reporter) room() int {
	if !r.enabled() {
		return 0
	}
	return r.max
}

func (r *reporter) sending(f *os.File, off, n int64) {
	if n < 0 {
		r.report("sending a file", "name", f.Name(), "from", off)
	} else {
		r.report("sending a file", "name", f.Name(), "from", off, "n", n)
	}
}

func (r *reporter) filed(n int64, err error) {
	if err != nil {
		r.report("sent a part of a file", "n", n, "err", err)
	} else {
		r.report("sent a file", "n", n)
	}
}

func (r *reporter) rest() {}

func (r *reporter) enabled() bool { return r.log.Enabled(context.Background(), r.level.Level()) }

func (r *reporter) report(msg string, attrs ...any) {
	r.log.Log(context.Background(), r.level.Level(), msg, attrs...)
}

// said is bytes as strings of Go are written. slog's own text has them so anyway.
type said []byte

func (s said) String() string { return strconv.Quote(string(s)) }

// MarshalJSON has them readable where JSON would have base64.
func (s said) MarshalJSON() ([]byte, error) {
	return []byte(strconv.Quote(strconv.QuoteToASCII(string(s)))), nil
}
