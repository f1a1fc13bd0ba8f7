package proxyproto

import (
	"net"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A layer reads the header, has the protocol built, and from then on changes
// nothing but the addresses.
type layer struct {
	protocol.Layer
	addresses
	peer    net.Addr // whom BuildProtocol is told: the socket's, until a header says otherwise
	factory factory.Factory
	timeout time.Duration
	timer   clock.Timer // until the header is there; nil if there is no timeout
	in      []byte      // the header as far as it has come; later what the protocol does not want yet
}

// ConnectionMade waits for the header.
func (l *layer) ConnectionMade(protocol.Transport) {
	if l.timeout > 0 {
		l.timer = l.AfterFunc(l.timeout, func() { l.fail(ErrTimeout) })
	}
}

// DataReceived takes the header, and hands up what is behind it. While some of that
// is kept nothing more comes: the layer is not reading, and when it is again
// ReadResumed comes first.
func (l *layer) DataReceived(data []byte) {
	if l.Above != nil {
		l.Above.DataReceived(data)
		return
	}
	l.in = append(l.in, data...)
	n, err := headerLength(l.in)
	if n > 0 {
		l.addresses, err = parse(l.in[:n])
	}
	switch {
	case err != nil:
		l.fail(err)
	case n > 0:
		l.in = l.in[n:]
		l.begin()
	}
}

// begin has the protocol built and connects it.
func (l *layer) begin() {
	l.stopTimer()
	if l.source != nil {
		l.peer = l.source
	}
	p := l.factory.BuildProtocol(l.peer)
	if p == nil {
		l.fail(protocol.ErrRefused)
		return
	}
	l.Above = p
	protocol.Connect(p, l)
	l.handUp()
}

// handUp hands up what was kept, if it is wanted.
func (l *layer) handUp() {
	if len(l.in) > 0 && l.Reading() {
		data := l.in
		l.in = nil
		l.Above.DataReceived(data)
	}
}

// ReadResumed hands up what was kept.
func (l *layer) ReadResumed() {
	l.Layer.ReadResumed()
	if l.Above != nil {
		l.handUp()
	}
}

// DropInput forgets what has not gone up.
func (l *layer) DropInput() int {
	n := l.Layer.DropInput() + len(l.in)
	l.in = nil
	return n
}

// EOFReceived ends a connection on which no header will come any more. One that
// says nothing at all only wanted to know whether somebody is there.
func (l *layer) EOFReceived() (keep bool) {
	if l.Above != nil {
		return l.Layer.EOFReceived()
	}
	if len(l.in) > 0 {
		l.fail(ErrTruncated)
	}
	return false
}

// Shutdown waits for no header.
func (l *layer) Shutdown() {
	l.stopTimer()
	l.Layer.Shutdown()
}

func (l *layer) stopTimer() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// fail ends a connection that has no protocol.
func (l *layer) fail(reason error) {
	l.in = nil
	l.SetReason(reason)
	l.Abort()
}

// RemoteAddr returns the client's address.
func (l *layer) RemoteAddr() net.Addr {
	if l.source != nil {
		return l.source
	}
	return l.Below.RemoteAddr()
}

// LocalAddr returns the address to which the client connected.
func (l *layer) LocalAddr() net.Addr {
	if l.destination != nil {
		return l.destination
	}
	return l.Below.LocalAddr()
}

// AvailableBuffer asks below: the bytes are sent as they are.
func (l *layer) AvailableBuffer() []byte {
	if b, ok := protocol.As[protocol.BufferAvailer](l.Below); ok {
		return b.AvailableBuffer()
	}
	return nil
}
