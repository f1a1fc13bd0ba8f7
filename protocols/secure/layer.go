package secure

import (
	"crypto/tls"
	"io"
	"net"
	"sync"

	"github.com/torsion-go/torsion/protocol"
)

// A layer is one connection, on the side of TLS that is ours.
//
//	inClear --StartTLS--> starting --Flush--> shaking --handshake--> encrypted
//	   Wrap begins here ------------------------^  |                     |
//	                                               '----> broken <-------'
//
// Until it is encrypted what is written waits in the Gate, and the layer reads on
// whatever is above wants.
type layer struct {
	protocol.Gate
	config  *Config
	outer   *wrapped // nil for Offer
	phase   uint8
	mem     memConn
	tls     *tls.Conn
	shake   *handshake // nil unless shaking
	eof     bool       // the peer has said close_notify
	halved  bool       // CloseWrite was called
	leaving bool       // LoseConnection or Abort was
	answers int        // bytes that TLS has said since the peer was last known to read
}

const (
	inClear = iota
	starting
	shaking
	encrypted
	broken
)

// maxAnswers is how many bytes TLS says before we wait until the peer has read them.
const maxAnswers = 16 << 10

// maxPlain is the longest content of a record (RFC 8446, section 5.1).
const maxPlain = 16 << 10

// plains are buffers for the content of one record.
var plains = sync.Pool{New: func() any { return new([maxPlain]byte) }}

func stack(c *Config, above protocol.Protocol, outer *wrapped) *layer {
	l := protocol.Stack(&layer{config: c, outer: outer}, above)
	l.Goodbye = l.goodbye
	return l
}

// ConnectionMade begins the handshake, or connects what begins in clear.
func (l *layer) ConnectionMade(t protocol.Transport) {
	switch {
	case l.outer == nil:
		l.Gate.ConnectionMade(t)
		return
	case l.Below == nil: // whoever began this did not use Connect
		l.Below = t
	case l.phase != inClear || l.Below != t:
		panic(protocol.Reused)
	}
	l.Shut()
	l.begin()
}

// Reading is false when the peer has ended its stream, above if not below.
func (l *layer) Reading() bool { return !l.eof && l.Gate.Reading() }

// StartTLS changes to TLS behind what has been written.
func (l *layer) StartTLS() error {
	switch {
	case l.phase != inClear:
		return ErrStarted
	case l.leaving || !l.writable():
		return net.ErrClosed
	}
	if l.DropInput() > 0 {
		l.SetReason(ErrPlaintextInjected)
		l.Abort()
		return ErrPlaintextInjected
	}
	l.phase = starting
	l.Shut()
	l.ReadOn(true)
	_, _ = l.Below.Write(nil) // has Flush come
	return nil
}

// writable reports whether anything can still be sent.
func (l *layer) writable() bool {
	_, err := l.Below.Write(nil)
	return err == nil
}

// Flush begins the handshake behind the reply that allowed it, or encrypts what
// was written in this event.
func (l *layer) Flush() {
	l.Gate.Flush()
	if l.phase == starting && l.writable() { // who was asked to Flush may have aborted
		l.begin()
	}
}

// DataReceived has TLS make of data what it is.
func (l *layer) DataReceived(data []byte) {
	switch l.phase {
	case inClear:
		l.Above.DataReceived(data)
	case starting: // Flush has been postponed
		l.mem.feed(data)
		l.mem.hold()
	case shaking:
		l.mem.feed(data)
		l.resume()
		l.mem.hold()
	case encrypted:
		if l.eof { // what is behind close_notify is ignored (RFC 8446, section 6.1)
			return
		}
		l.mem.feed(data)
		l.deliver()
		l.mem.hold()
	}
}

// ReadResumed hands up what was kept.
func (l *layer) ReadResumed() {
	l.Gate.ReadResumed()
	l.deliver()
	l.mem.release()
}

// deliver hands up what can be decrypted, a record at a time, for as long as it is
// wanted.
func (l *layer) deliver() {
	if l.phase != encrypted || l.Resuming() {
		return
	}
	p := plains.Get().(*[maxPlain]byte)
	defer plains.Put(p)
	for l.phase == encrypted && len(l.mem.in) > 0 && l.Reading() {
		sent := l.mem.sent
		n, err := l.tls.Read(p[:])
		if l.answered(l.mem.sent - sent); n > 0 {
			l.Above.DataReceived(p[:n])
		}
		switch {
		case err == nil:
		case err == errNothing:
			return
		case err == io.EOF:
			l.closeNotified()
		default:
			l.fail(err)
		}
	}
}

// answered counts what TLS itself has said, for which nobody above is paced. A peer
// that has it say much (KeyUpdate) and does not read the answers waits until it has.
func (l *layer) answered(n int) {
	if l.answers += n; l.answers > maxAnswers {
		l.answers = 0
		l.Hold()
		l.Layer.Drained(func(error) { l.Release() }) // what waits in the Gate is none of them
	}
}

// encrypt sends p.
func (l *layer) encrypt(p []byte) {
	if _, err := l.tls.Write(p); err != nil {
		l.fail(err)
	}
}

// goodbye says close_notify. A peer that has said its own and is owed nothing but
// ours may be gone already, and its system answer with a reset: the end is clean all
// the same.
func (l *layer) goodbye() {
	if l.phase == encrypted {
		if l.eof && l.Below.Buffered() == 0 {
			l.SetReason(protocol.ErrConnectionDone)
		}
		_ = l.tls.CloseWrite() // what cannot be said any more need not be
	}
}

// closeNotified is the peer's end of its stream, for what is above.
func (l *layer) closeNotified() {
	l.eof, l.mem.in = true, nil
	if l.Gate.EOFReceived(); l.halved {
		l.LoseConnection()
	}
}

// EOFReceived is the end of the stream below. Behind a close_notify it says
// nothing new; otherwise somebody has cut the connection.
func (l *layer) EOFReceived() (keep bool) {
	switch l.phase {
	case inClear:
		return l.Gate.EOFReceived()
	case starting, shaking:
		l.fail(&HandshakeError{errHungUp})
	case encrypted:
		if !l.eof && !l.leaving {
			l.SetReason(ErrTruncated)
			l.LoseConnection()
		}
	}
	return true
}

// CloseWrite says close_notify behind what was written. Where the peer has said
// so too, the connection has ended.
func (l *layer) CloseWrite() {
	l.halved = true
	if l.Gate.CloseWrite(); l.eof {
		l.LoseConnection()
	}
}

// LoseConnection ends a connection that has nobody above at once.
func (l *layer) LoseConnection() {
	l.leaving = true
	if l.Above == nil {
		l.Below.LoseConnection()
		return
	}
	l.Gate.LoseConnection()
}

// Abort ends it at once in any case.
func (l *layer) Abort() {
	l.leaving = true
	l.Gate.Abort()
}

// fail ends the connection because TLS cannot go on. An alert that tells the peer
// why has been written.
func (l *layer) fail(err error) {
	if l.phase == broken {
		return
	}
	l.phase, l.mem.in = broken, nil
	l.stopShaking()
	l.SetReason(err)
	l.Drop()
	l.Below.LoseConnection()
}

// TLSState returns what the handshake came to, once it is done, for ever. Before,
// a tls.Conn would not answer.
func (l *layer) TLSState() (state tls.ConnectionState, ok bool) {
	if l.tls != nil && l.shake == nil {
		state = l.tls.ConnectionState()
	}
	if !state.HandshakeComplete {
		return l.Gate.TLSState() // there may be one below
	}
	return state, true
}

// DropInput adds what was received and not decrypted.
func (l *layer) DropInput() int {
	n := l.Gate.DropInput() + len(l.mem.in)
	l.mem.in = nil
	return n
}

// ConnectionLost gives back what the layer holds.
func (l *layer) ConnectionLost(reason error) {
	l.stopShaking()
	l.mem.in = nil
	if l.outer != nil && l.outer.ended != nil {
		l.outer.ended(l.Above != nil)
	}
	l.Gate.ConnectionLost(reason)
}
