package secure

import (
	"net"
	"os"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// A memConn is what the tls.Conn takes for the network: it reads what the layer
// has received, and hands over what is to be sent.
//
// It never reads further than to the end of the record at hand. crypto/tls keeps
// the largest buffer that it ever needed, and would otherwise need one for all that
// has arrived.
type memConn struct {
	in     []byte // received and not read: lent by DataReceived, or our own
	header [recordHeader]byte
	got    int         // bytes of the header
	body   int         // bytes of the record's body that are to come
	wait   func() bool // parks the handshake until there is more; nil when it is over
	below  protocol.Transport
	out    []byte // of the handshake, to be sent when it is parked
	sent   int    // bytes, after the handshake
	local  net.Addr
	remote net.Addr
}

// recordHeader is the length of a record's header; its last two bytes are the
// length of the body (RFC 8446, section 5.1).
const recordHeader = 5

// Read reads a part of the record at hand. Where there is nothing to read, a
// handshake waits; afterwards the error is one that tls.Conn.Read may be called
// again after.
func (m *memConn) Read(p []byte) (int, error) {
	for len(m.in) == 0 {
		if m.wait == nil {
			return 0, errNothing
		}
		if !m.wait() {
			return 0, net.ErrClosed
		}
	}
	if m.body > 0 {
		n := copy(p, m.in[:min(m.body, len(m.in))])
		m.body -= n
		m.in = m.in[n:]
		return n, nil
	}
	n := copy(p, m.in[:min(recordHeader-m.got, len(m.in))])
	copy(m.header[m.got:], m.in[:n])
	m.in = m.in[n:]
	if m.got += n; m.got == recordHeader {
		m.got, m.body = 0, int(m.header[3])<<8|int(m.header[4])
	}
	return n, nil
}

// Write sends p. A handshake's is kept until it is parked, since a coroutine is
// not the loop.
func (m *memConn) Write(p []byte) (int, error) {
	if m.wait != nil {
		m.out = append(m.out, p...)
		return len(p), nil
	}
	m.sent += len(p)
	_, _ = m.below.Write(p) // ConnectionLost tells
	return len(p), nil
}

// feed has data be read behind what is there. It is lent until hold.
func (m *memConn) feed(data []byte) {
	if len(m.in) > 0 {
		data = append(m.in, data...)
	}
	m.in = data
}

// hold keeps a copy of what is lent.
func (m *memConn) hold() { m.in = append([]byte(nil), m.in...) }

// release gives our own buffer back when it has been read.
func (m *memConn) release() {
	if len(m.in) == 0 {
		m.in = nil
	}
}

// LocalAddr and RemoteAddr are for callbacks of the tls.Config.
func (m *memConn) LocalAddr() net.Addr  { return m.local }
func (m *memConn) RemoteAddr() net.Addr { return m.remote }

// The layer closes, and has timers of its own.
func (m *memConn) Close() error                     { return nil }
func (m *memConn) SetDeadline(time.Time) error      { return nil }
func (m *memConn) SetReadDeadline(time.Time) error  { return nil }
func (m *memConn) SetWriteDeadline(time.Time) error { return nil }

// nothing is the error of a Read that has nothing to read. crypto/tls keeps all
// errors but those of this kind.
type nothing struct{ error }

func (nothing) Timeout() bool   { return false }
func (nothing) Temporary() bool { return true }

var errNothing net.Error = nothing{os.ErrDeadlineExceeded}
