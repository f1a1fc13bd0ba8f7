package factory

import (
	"errors"
	"os"

	"github.com/torsion-go/torsion/protocol"
)

// An ear hears one connection.
type ear interface {
	begin(t protocol.Transport)
	hear(e event) // data is lent
	end(reason error)

	// room is how many bytes it wants to see of what is written next.
	room() int

	// sending says that n bytes of f, from off on, or all, follow what was written;
	// filed, some time later, what became of it.
	sending(f *os.File, off, n int64)
	filed(n int64, err error)

	// rest says that for now nothing follows.
	rest()
}

// An event is what an ear hears.
type event struct {
	what happening
	n    int    // bytes
	data []byte // the first of them
}

type happening uint8

const (
	received happening = iota
	sent
	peerDone // EOFReceived
	goDown   // Shutdown

	// Ways to end our side: each is more than those before.
	weDone  // CloseWrite
	closing // LoseConnection
	aborted // Abort; n of what was written are dropped
	lost
)

// A tap is a protocol around another that changes nothing, and has an ear told
// what happens. What one event writes is one piece: it is told before whatever
// else happens, and before it is sent.
type tap struct {
	protocol.Protocol
	ear     ear
	flusher protocol.Flusher // the protocol's, or nil
	above   protocol.Transport
	ending  happening // the last way to end that was told; 0: none
	written int       // bytes of which the ear has not heard
	head    []byte    // the first of them
}

func (t *tap) Inner() any { return t.Protocol }

func (t *tap) ConnectionMade(below protocol.Transport) {
	t.flusher, _ = protocol.As[protocol.Flusher](t.Protocol)
	t.above = t.over(below)
	t.ear.begin(below)
	protocol.Connect(t.Protocol, t.above)
	t.rest()
}

func (t *tap) DataReceived(data []byte) {
	t.tell(event{what: received, n: len(data), data: data})
	t.Protocol.DataReceived(data)
	t.rest()
}

// EOFReceived asks the protocol. For one that cannot be asked the answer is that
// the connection is closed, as it would be without the tap.
func (t *tap) EOFReceived() (keep bool) {
	t.tell(event{what: peerDone})
	if r, ok := protocol.As[protocol.EOFReceiver](t.Protocol); ok {
		keep = r.EOFReceived()
	}
	if !keep {
		t.endBy(closing)
	}
	t.rest()
	return keep
}

// Shutdown tells the protocol, or closes the connection, as it would be closed
// without the tap.
func (t *tap) Shutdown() {
	t.tell(event{what: goDown})
	if s, ok := protocol.As[protocol.Shutdowner](t.Protocol); ok {
		s.Shutdown()
	} else {
		t.above.LoseConnection()
	}
	t.rest()
}

// Flush comes before output is sent.
func (t *tap) Flush() {
	if t.flusher != nil {
		t.flusher.Flush()
	}
	t.tellWritten()
	t.ear.rest()
}

func (t *tap) ConnectionLost(reason error) {
	defer t.Protocol.ConnectionLost(reason)
	if _, panicked := errors.AsType[*protocol.PanicError](reason); panicked {
		t.endBy(aborted)
	}
	t.tellWritten()
	t.ending = lost
	t.ear.end(reason)
}

// rest is for the end of events. What was written is told by Flush.
func (t *tap) rest() {
	if t.written == 0 {
		t.ear.rest()
	}
}

// endBy tells of an order to end the connection, unless it changes nothing.
func (t *tap) endBy(how happening) {
	if how <= t.ending {
		return
	}
	e := event{what: how}
	if t.ending = how; how == aborted {
		e.n = t.written
		t.written, t.head = 0, nil
	}
	t.tell(e)
}

func (t *tap) tell(e event) {
	t.tellWritten()
	t.ear.hear(e)
}

// wrote is told of each piece that was written.
func (t *tap) wrote(p []byte) {
	if len(p) == 0 {
		return
	}
	t.written += len(p)
	if room := t.ear.room() - len(t.head); room > 0 {
		t.head = append(t.head, p[:min(room, len(p))]...)
	}
}

func (t *tap) tellWritten() {
	if t.written > 0 {
		e := event{what: sent, n: t.written, data: t.head}
		t.written, t.head = 0, nil
		t.ear.hear(e)
	}
}

// A tapped transport is the one below, with an eye on all that writes or ends.
// Everything else As finds below.
type tapped struct {
	protocol.Transport
	tap    *tap
	shared protocol.SharedWriter  // below, or nil
	buffer protocol.BufferAvailer // below, or nil
	files  protocol.FileSender    // below, or nil
}

// over returns what the protocol writes to.
func (t *tap) over(below protocol.Transport) protocol.Transport {
	w := &tapped{Transport: below, tap: t}
	w.shared, _ = protocol.As[protocol.SharedWriter](below)
	w.buffer, _ = protocol.As[protocol.BufferAvailer](below)
	w.files, _ = protocol.As[protocol.FileSender](below)
	return w
}

// Below returns the transport below, for protocol.As.
func (w *tapped) Below() protocol.Transport { return w.Transport }

func (w *tapped) Write(p []byte) (int, error) {
	n, err := w.Transport.Write(p)
	w.tap.wrote(p[:n])
	return n, err
}

// WriteShared is Write where there is none below.
func (w *tapped) WriteShared(p []byte) (int, error) {
	if w.shared == nil {
		return w.Write(p)
	}
	n, err := w.shared.WriteShared(p)
	w.tap.wrote(p[:n])
	return n, err
}

// AvailableBuffer is nil, which is no room, where there is none below.
func (w *tapped) AvailableBuffer() []byte {
	if w.buffer == nil {
		return nil
	}
	return w.buffer.AvailableBuffer()
}

// SendFile leaves f to below. Where none can, or the connection takes nothing more,
// there is nothing to hear.
func (w *tapped) SendFile(f *os.File, off, n int64, done func(sent int64, err error)) {
	if w.files == nil {
		_ = w.Loop().Call(func() { done(0, errors.ErrUnsupported) }) // a loop that has stopped tells nobody
		return
	}
	if _, err := w.Write(nil); err == nil {
		w.tap.tellWritten()
		w.tap.ear.sending(f, off, n)
		asked := done
		done = func(sent int64, err error) {
			w.tap.tellWritten()
			w.tap.ear.filed(sent, err)
			asked(sent, err)
		}
	}
	w.files.SendFile(f, off, n, done)
}

func (w *tapped) CloseWrite() {
	w.Transport.CloseWrite()
	w.tap.endBy(weDone)
}

func (w *tapped) LoseConnection() {
	w.Transport.LoseConnection()
	w.tap.endBy(closing)
}

func (w *tapped) Abort() {
	w.Transport.Abort()
	w.tap.endBy(aborted)
}

var (
	_ protocol.SharedWriter  = (*tapped)(nil)
	_ protocol.BufferAvailer = (*tapped)(nil)
	_ protocol.FileSender    = (*tapped)(nil)
)
