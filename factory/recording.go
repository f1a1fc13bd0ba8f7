package factory

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocol"
)

// A Recording writes down what is said on connections, a transcript for each, as
// protocoltest.Transcript plays it. So what a real peer said and was answered
// becomes a test:
//
//	var recording factory.Recording
//	served := recording.Around(f) // writes into the folder transcripts
//
// In it C is the peer, also if that is a server. It can be played if f goes by
// nothing but what its peer says and the time: not by other connections, addresses
// or chance, nor by which of two things is done first that are done elsewhere. Time
// is told in whole milliseconds, as T~, since all that happens takes some and not
// only what has waited for it; a timer and input within the same one may change
// places. An end that comes from outside of f (a reset, another policy) is only a
// comment.
//
// Inside a factory that adds TLS it writes down what was said, around one what
// went over the wire, which nobody can play. StartTLS leaves no trace.
//
// Around may be called more than once, on several goroutines, and the factories may
// serve different loops: MaxConnections holds for all of them together.
//
// It is for development: the loop waits while the disk writes, and reads what is in
// a file that is sent; and what people say has passwords in it.
type Recording struct {
	// Open opens the transcript of a connection, on its loop, after its first
	// event. InFolder("transcripts") if nil. What it returns is closed with the
	// connection. If that is nil the connection is not recorded.
	Open func(peer net.Addr) (io.WriteCloser, error)

	MaxSize        int          // bytes of a transcript, which ends in front of the event that is too much; 1 MiB unless above zero
	MaxConnections int          // that are recorded, in all; 1,000 unless above zero
	Logger         *slog.Logger // hears of errors, which end the recording, not the connection; slog.Default() if nil

	conns atomic.Int64 // that there were
}

// InFolder opens a new file for each connection, that no other user may read, in
// the folder dir, which is made if there is none.
func InFolder(dir string) func(peer net.Addr) (io.WriteCloser, error) {
	return func(net.Addr) (io.WriteCloser, error) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		return os.CreateTemp(dir, time.Now().Format("20060102-150405-*.txt"))
	}
}

// Around returns f with the recording of each of its connections, as r is set now.
func (r *Recording) Around(f Factory) Factory {
	how := &recorded{r.Open, r.MaxSize, r.MaxConnections, r.Logger, &r.conns}
	if how.open == nil {
		how.open = InFolder("transcripts")
	}
	if how.maxSize <= 0 {
		how.maxSize = 1 << 20
	}
	if how.maxConns <= 0 {
		how.maxConns = 1000
	}
	if how.log == nil {
		how.log = slog.Default()
	}
	return Around(f, how.wrap)
}

// recorded is what the connections have in common.
type recorded struct {
	open              func(peer net.Addr) (io.WriteCloser, error)
	maxSize, maxConns int
	log               *slog.Logger
	conns             *atomic.Int64 // of the Recording
}

func (f *recorded) wrap(p protocol.Protocol, peer net.Addr) protocol.Protocol {
	switch n := f.conns.Add(1) - int64(f.maxConns); {
	case n > 1:
		return p
	case n == 1:
		f.log.Warn("no further connections are recorded", "recorded", f.maxConns)
		return p
	}
	return &tap{Protocol: p, ear: &recorder{how: f, peer: peer}}
}

// A recorder is the ear that writes a transcript.
type recorder struct {
	how    *recorded
	peer   net.Addr
	clock  clock.Clock
	told   time.Time      // up to here T has told the time
	file   io.WriteCloser // nil before the first write
	lines  []byte         // of this event, not written yet
	size   int            // bytes written
	closes bool           // f has ended our side: S. follows behind what it still writes
	closed bool           // and has been told
	over   bool           // nothing more is written
}

func (r *recorder) begin(t protocol.Transport) {
	r.clock, r.told = t, t.Now()
	r.comment(fmt.Sprint(r.peer, ", ", r.told.Format(time.RFC3339)))
}

func (r *recorder) hear(e event) {
	if r.over {
		return
	}
	if e.what == received || e.what == peerDone {
		r.tellClosed()
	}
	r.tellTime()
	switch e.what {
	case received:
		r.lines = appendSaid(r.lines, 'C', e.data)
	case sent:
		r.lines = appendSaid(r.lines, 'S', e.data)
	case peerDone:
		r.add("C.")
	case goDown:
		r.add("D.")
	default:
		r.closes = true
	}
}

// sending reads the file as it is sent, but at once.
func (r *recorder) sending(f *os.File, off, n int64) {
	size := int64(r.room())
	if n >= 0 {
		size = min(size, n)
	}
	data, err := io.ReadAll(io.NewSectionReader(f, off, size))
	if err != nil {
		r.stop(err)
	}
	r.hear(event{what: sent, n: len(data), data: data})
}

func (r *recorder) filed(int64, error) {}

// tellTime tells how much time has passed. It may round down: timers are never
// early, so one of whole milliseconds that had come is due in the rounded time too.
func (r *recorder) tellTime() {
	if d := r.clock.Now().Sub(r.told).Truncate(time.Millisecond); d > 0 {
		r.told = r.told.Add(d)
		r.add("T~ " + d.String())
	}
}

func (r *recorder) tellClosed() {
	if r.closes && !r.closed {
		r.closed = true
		r.add("S.")
	}
}

func (r *recorder) add(line string) { r.lines = append(append(r.lines, line...), '\n') }

func (r *recorder) comment(s string) { r.add("# " + strings.ReplaceAll(s, "\n", "; ")) }

func (r *recorder) end(reason error) {
	r.tellClosed()
	r.comment(reason.Error())
	r.rest()
	if !r.over {
		r.stop(nil)
	}
}

// room is a byte more than MaxSize leaves, so that rest sees what is too much.
func (r *recorder) room() int {
	if r.over {
		return 0
	}
	return max(0, r.how.maxSize-r.size-len(r.lines)) + 1
}

// rest writes what one event has come to, at once.
func (r *recorder) rest() {
	if r.over || len(r.lines) == 0 {
		return
	}
	full := r.size+len(r.lines) > r.how.maxSize
	if full {
		r.lines = []byte("# MaxSize: the rest is not recorded\n")
	}
	r.over = true // if this panics it is not tried again
	err := r.write()
	if r.over = err != nil || full || r.file == nil; r.over {
		r.stop(err)
	}
}

func (r *recorder) write() (err error) {
	if r.file == nil {
		if r.file, err = r.how.open(r.peer); err != nil || r.file == nil {
			r.file = nil
			return err
		}
	}
	n, err := r.file.Write(r.lines)
	r.size += n
	r.lines = r.lines[:0]
	return err
}

// stop ends the recording, not the connection.
func (r *recorder) stop(err error) {
	r.over, r.lines = true, nil
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	if err != nil {
		r.how.log.Error("recording a connection failed", "peer", r.peer, "err", err)
	}
}
