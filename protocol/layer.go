package protocol

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"github.com/torsion-go/torsion/clock"
)

// A Layer stands between a transport and a protocol and is both. A layer's
// author embeds it and hides what his layer does otherwise:
//
//	type counted struct {
//		protocol.Layer
//		received int
//	}
//
//	func (c *counted) DataReceived(data []byte) {
//		c.received += len(data)
//		c.Above.DataReceived(data)
//	}
//
//	p := protocol.Stack(&counted{}, session)
//
// What is not hidden behaves, for the protocol above, as if there were no layer:
//
//   - Events go to Above. Those that it need not hear (EOFReceived, PauseWriting,
//     ReadResumed, Shutdown, Secured, Flush, DropInput) go to the first from there
//     upwards that hears them, and where none does, the layer does what a reactor
//     would. A layer that hides one of them calls the Layer's in its own: before
//     its own part in ReadResumed, Flush and DropInput, which adds up.
//   - Orders and questions go to Below, also those not every transport knows.
//     A layer that changes output, or holds it back, embeds a [Gate] instead. What
//     a layer holds back of the input lies in a field also while it calls up, for
//     DropInput to see, and before each call up it asks Reading.
//
// As finds nothing through a layer, so nobody goes past it.
type Layer struct {
	Below Transport // the next on the way to the peer; set before ConnectionMade
	Above Protocol  // the next on the way to the user; a layer may set it late, see ConnectionMade

	self      Transport // the whole layer, which is what Above sees
	pauses    uint8     // reasons not to read; below only hears of the first and the last
	producing bool      // what is above paces itself by a producer
	readsOn   bool      // below hears of no pause
	resuming  bool      // ReadResumed is about to come, and no input before
	suspends  int32     // SuspendReadings that are not over
}

// Stack puts the layer l, which embeds a Layer, under above and returns it. Above
// may be nil if the layer sets it before its first event goes up.
func Stack[L interface {
	Protocol
	Transport
	base() *Layer
}](l L, above Protocol) L {
	b := l.base()
	b.self, b.Above = l, above
	return l
}

func (l *Layer) base() *Layer { return l }

func (l *Layer) connect(t Transport) {
	if l.Below != nil {
		panic(Reused)
	}
	l.Below = t
}

// ConnectionMade connects what is above, to the layer. A layer that has something
// to do first hides it and later calls Connect(l.Above, l).
func (l *Layer) ConnectionMade(t Transport) {
	if l.self == nil {
		panic("protocol: a layer is made with Stack")
	}
	if l.Below != t { // whoever began this did not use Connect
		l.connect(t)
	}
	Connect(l.Above, l.self)
}

// DataReceived hands data up.
func (l *Layer) DataReceived(data []byte) { l.Above.DataReceived(data) }

// ConnectionLost tells what is above, if there is something.
func (l *Layer) ConnectionLost(reason error) {
	if l.Above != nil {
		l.Above.ConnectionLost(reason)
	}
}

// EOFReceived asks above. If the connection is not to be kept it is closed through
// the layer, so that what layers hold back is delivered too.
func (l *Layer) EOFReceived() (keep bool) {
	if r, ok := As[EOFReceiver](l.Above); !ok || !r.EOFReceived() {
		l.self.LoseConnection()
	}
	return true
}

// ReadResumed tells above, which comes before anything the layer holds. What is
// above may be paused while the layer reads on.
func (l *Layer) ReadResumed() {
	l.resuming = false
	if r, ok := As[ReadResumer](l.Above); ok && l.self.Reading() {
		r.ReadResumed()
	}
}

// PauseWriting tells above. Where nobody paces himself the layer stops reading.
func (l *Layer) PauseWriting() {
	if w, ok := As[WritePauser](l.Above); ok {
		w.PauseWriting()
	} else if !l.producing {
		l.pause(pausing)
	}
}

// ResumeWriting undoes it. Where a Gate has let its producer go, both is to be undone.
func (l *Layer) ResumeWriting() {
	l.resume(pausing)
	if w, ok := As[WritePauser](l.Above); ok {
		w.ResumeWriting()
	}
}

// Shutdown tells above, or closes.
func (l *Layer) Shutdown() {
	if s, ok := As[Shutdowner](l.Above); ok {
		s.Shutdown()
	} else {
		l.self.LoseConnection()
	}
}

// A SecuredReceiver is a Protocol that is told when its connection has become one
// over TLS: the handshake is done, and everything from now on is encrypted.
type SecuredReceiver interface {
	Secured(state tls.ConnectionState)
}

// Secured tells above.
func (l *Layer) Secured(state tls.ConnectionState) {
	if s, ok := As[SecuredReceiver](l.Above); ok {
		s.Secured(state)
	}
}

// Flush tells above; what that writes is part of what a layer then sends.
func (l *Layer) Flush() {
	if f, ok := As[Flusher](l.Above); ok {
		f.Flush()
	}
}

// DropInput has everything above forget its input and returns how much that was.
func (l *Layer) DropInput() int {
	if h, ok := As[InputHolder](l.Above); ok {
		return h.DropInput()
	}
	return 0
}

// PacesItself reports whether something above paces what it writes. Where nothing
// does, the transport stops reading while too much waits to be sent.
func (l *Layer) PacesItself() bool { return l.producing || Paces(l.Above) }

// Paces reports whether p, or what a layer that it is has above, hears PauseWriting.
func Paces(p Protocol) bool {
	w, ok := As[WritePauser](p)
	if l, layer := w.(interface{ PacesItself() bool }); layer {
		return l.PacesItself()
	}
	return ok
}

// Write writes below.
func (l *Layer) Write(p []byte) (int, error) { return l.Below.Write(p) }

// WriteShared writes below.
func (l *Layer) WriteShared(p []byte) (int, error) {
	if w, ok := As[SharedWriter](l.Below); ok {
		return w.WriteShared(p)
	}
	return l.Below.Write(p)
}

// SendFile sends below. done is told errors.ErrUnsupported where nobody can.
func (l *Layer) SendFile(f *os.File, off, n int64, done func(sent int64, err error)) {
	if s, ok := As[FileSender](l.Below); ok {
		s.SendFile(f, off, n, done)
	} else {
		later(l.Loop(), func() { done(0, errors.ErrUnsupported) })
	}
}

// AvailableBuffer returns nil: the room below is for bytes as they are sent, and
// a layer may change them.
func (l *Layer) AvailableBuffer() []byte { return nil }

// LoseConnection closes below.
func (l *Layer) LoseConnection() { l.Below.LoseConnection() }

// Abort aborts below.
func (l *Layer) Abort() { l.Below.Abort() }

// CloseWrite half-closes below.
func (l *Layer) CloseWrite() { l.Below.CloseWrite() }

// Buffered asks below.
func (l *Layer) Buffered() int { return l.Below.Buffered() }

// MaxBacklog asks below; it is what a Remote goes by. 1 MiB where nobody knows.
func (l *Layer) MaxBacklog() int {
	if b, ok := As[interface{ MaxBacklog() int }](l.Below); ok {
		return b.MaxBacklog()
	}
	return 1 << 20
}

// OwnTurn reports whether the event that is handled is one of this connection's
// own, and not another's or a posted call. Where nobody knows it is.
func (l *Layer) OwnTurn() bool {
	o, ok := As[interface{ OwnTurn() bool }](l.Below)
	return !ok || o.OwnTurn()
}

// Now asks below.
func (l *Layer) Now() time.Time { return l.Below.Now() }

// AfterFunc sets a timer of the connection.
func (l *Layer) AfterFunc(d time.Duration, f func()) clock.Timer { return l.Below.AfterFunc(d, f) }

// LocalAddr asks below.
func (l *Layer) LocalAddr() net.Addr { return l.Below.LocalAddr() }

// RemoteAddr asks below.
func (l *Layer) RemoteAddr() net.Addr { return l.Below.RemoteAddr() }

// Loop asks below.
func (l *Layer) Loop() Loop { return l.Below.Loop() }

// Drained asks below. Where nobody knows, f is told nil in a later event.
func (l *Layer) Drained(f func(error)) {
	if n, ok := As[Notifier](l.Below); ok {
		n.Drained(f)
	} else {
		_ = l.Below.Loop().Call(func() { f(nil) }) // a loop that has stopped tells nobody
	}
}

// Ended asks below. Where nobody knows, f is never called.
func (l *Layer) Ended(f func(reason error)) (forget func()) {
	if n, ok := As[Notifier](l.Below); ok {
		return n.Ended(f)
	}
	return func() {}
}

// SetReason tells below.
func (l *Layer) SetReason(err error) {
	if n, ok := As[Notifier](l.Below); ok {
		n.SetReason(err)
	}
}

// RegisterProducer registers p below. The error is errors.ErrUnsupported where
// nobody has a place for it.
func (l *Layer) RegisterProducer(p Producer, streaming bool) error {
	r, ok := As[ProducerRegistry](l.Below)
	if !ok {
		return errors.ErrUnsupported
	}
	err := r.RegisterProducer(p, streaming)
	if err == nil {
		l.producing = true
		l.resume(pausing) // from now on the producer is what is paused
	}
	return err
}

// UnregisterProducer tells below.
func (l *Layer) UnregisterProducer() {
	l.producing = false
	if r, ok := As[ProducerRegistry](l.Below); ok {
		r.UnregisterProducer()
	}
}

// StartTLS asks below. The error is errors.ErrUnsupported where nobody can.
func (l *Layer) StartTLS() error {
	if s, ok := As[TLSStarter](l.Below); ok {
		return s.StartTLS()
	}
	return errors.ErrUnsupported
}

// A TLSStater is a Transport that may be one over TLS.
type TLSStater interface {
	// TLSState returns what the handshake came to; ok is false without TLS.
	TLSState() (state tls.ConnectionState, ok bool)
}

// TLSState asks below.
func (l *Layer) TLSState() (state tls.ConnectionState, ok bool) {
	if s, knows := As[TLSStater](l.Below); knows {
		return s.TLSState()
	}
	return tls.ConnectionState{}, false
}

var (
	_ Transport        = (*Layer)(nil)
	_ Protocol         = (*Layer)(nil)
	_ Notifier         = (*Layer)(nil)
	_ SharedWriter     = (*Layer)(nil)
	_ BufferAvailer    = (*Layer)(nil)
	_ TLSStarter       = (*Layer)(nil)
	_ ProducerRegistry = (*Layer)(nil)
	_ ReadSuspender    = (*Layer)(nil)
	_ FileSender       = (*Layer)(nil)
)
