package ftp

import (
	"crypto/tls"
	"errors"
	"io"
	"net"

	"github.com/torsion-go/torsion/protocols/internal/serial"
	"github.com/torsion-go/torsion/protocols/secure"
)

// A stream is a connection for data. It ends well when all of it was moved, and is
// aborted otherwise: the end of the stream is the end of the file (RFC 959, section
// 3.4.1), so that a half would be taken for the whole.
type stream struct {
	net.Conn  // TLS too, if that is used; its handshake waits for the first byte
	raw       net.Conn
	wire      *wire
	times     *ClientTimeouts
	truncates bool // the end of TLS need not be said

	lines *lines    // what a listing is read through; nil if it is none
	sent  func(int) // hears of what is written, if this is an upload
	whole bool      // all was moved
	moved bool      // something was
	err   error     // the first
}

// over is s on a connection.
func (s stream) over(raw net.Conn, w *wire, c *ClientConfig) *stream {
	s.Conn, s.raw, s.wire = raw, raw, w
	s.times, s.truncates = &c.Timeouts, c.AllowTruncation
	if c.Security != TLSNever {
		s.Conn = tls.Client(uncut{raw}, c.TLS)
	}
	if s.lines != nil {
		s.lines.from = readFunc(s.receive)
	}
	return &s
}

// Read is the library's.
func (s *stream) Read(p []byte) (int, error) {
	if s.lines != nil {
		return s.lines.Read(p)
	}
	return s.receive(p)
}

func (s *stream) receive(p []byte) (int, error) {
	_ = s.Conn.SetDeadline(serial.By(s.times.Data)) // fails if it is closed, as the read does
	n, err := s.Conn.Read(p)                        // which may have to write first, for TLS
	if s.truncates && errors.Is(err, secure.ErrTruncated) {
		err = io.EOF
	}
	if err == io.EOF {
		s.whole = true
	} else {
		s.failed(err)
	}
	return n, err
}

func (s *stream) Write(p []byte) (int, error) {
	s.moved = true
	_ = s.Conn.SetDeadline(serial.By(s.times.Data))
	n, err := s.Conn.Write(p)
	s.sent(n)
	s.failed(err)
	return n, err
}

func (s *stream) failed(err error) {
	if s.err == nil && err != nil {
		s.err = err
	}
}

// Close ends it; the reply to that comes next. TLS that has not had to say anything
// begins only now.
func (s *stream) Close() error {
	s.wire.patience = s.times.Final
	if s.whole && s.err == nil {
		s.failed(s.shake())
	}
	if !s.whole || s.err != nil {
		s.wire.patience = s.times.Cancel
		return s.abort()
	}
	err := s.Conn.Close()
	s.failed(err)
	return err
}

// shake is for an empty upload over TLS.
func (s *stream) shake() error {
	over, ok := s.Conn.(*tls.Conn)
	if !ok || s.sent == nil || s.moved {
		return nil
	}
	_ = s.Conn.SetDeadline(serial.By(s.times.TLS))
	if err := over.Handshake(); err != nil {
		return &secure.HandshakeError{Err: err}
	}
	return nil
}

// abort may be called on any goroutine, and again.
func (s *stream) abort() error {
	a, ok := s.raw.(interface{ Abort() error })
	if !ok {
		return s.raw.Close()
	}
	if err := a.Abort(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// An uncut is below TLS, which takes an end between two of its records for a good one.
type uncut struct{ net.Conn }

func (u uncut) Read(p []byte) (int, error) {
	n, err := u.Conn.Read(p)
	if err == io.EOF {
		err = secure.ErrTruncated
	}
	return n, err
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
