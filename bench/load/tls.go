package main

import (
	"crypto/tls"
	"flag"
	"io"
	"net"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// With -tls every connection is one of crypto/tls, which gets the same descriptors
// and never blocks on them either, but for its handshakes.

var (
	version  = flag.String("tls", "", "speak TLS of this version: 1.2 or 1.3")
	resume   = flag.Bool("resume", false, "tls: resume the sessions of earlier connections")
	sessions []*session // by descriptor
	shaken   int        // handshakes
)

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

var tlsConfig = &tls.Config{InsecureSkipVerify: true, ServerName: "bench"}

func useTLS() {
	v, ok := versions[*version]
	if !ok {
		fail("no TLS %q", *version)
	}
	tlsConfig.MinVersion, tlsConfig.MaxVersion = v, v
	if *resume {
		tlsConfig.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	debug.SetGCPercent(400) // crypto/tls allocates
}

// A session is the TLS of one connection, and its net.Conn.
type session struct {
	net.Conn // nil: crypto/tls calls nothing of it but what is below
	fd       int32
	tls      *tls.Conn
	shaking  bool
	out      []byte // what the kernel has not taken
}

// shake does the handshake of a new connection.
func shake(fd int32) {
	s := &session{fd: fd, shaking: true}
	s.tls = tls.Client(s, tlsConfig)
	check(s.tls.Handshake())
	s.shaking = false
	if shaken++; *resume && shaken > 2**depth && !s.tls.ConnectionState().DidResume {
		fail("a session was not resumed")
	}
	for len(sessions) <= int(fd) {
		sessions = append(sessions, nil)
	}
	sessions[fd] = s
}

// over returns the session of a descriptor, if it has one.
func over(fd int32) *session {
	if int(fd) < len(sessions) {
		return sessions[fd]
	}
	return nil
}

// send is as send of a descriptor, but takes all of b.
func (s *session) send(b []byte) int {
	_, err := s.tls.Write(b)
	check(err)
	return len(b)
}

// recv is as recv of a descriptor.
func (s *session) recv(b []byte) (n int) {
	s.flush()
	for n < len(b) {
		m, err := s.tls.Read(b[n:])
		if n += m; err == nil {
			continue
		}
		switch {
		case err != errNothing && err != io.EOF:
			fail("%v", err)
		case n == 0 && err == errNothing:
			return again
		}
		break
	}
	return n
}

// leave ends our half of the connection.
func (s *session) leave() {
	check(s.tls.CloseWrite())
	check(unix.Shutdown(int(s.fd), unix.SHUT_WR))
}

// Read takes what there is. A handshake spins until there is something.
func (s *session) Read(p []byte) (int, error) {
	for {
		n := recvRaw(s.fd, p)
		if s.shaking {
			idle(n == again)
		}
		switch {
		case n > 0:
			return n, nil
		case n == 0:
			return 0, io.EOF
		case n != again:
			return 0, syscall.Errno(-n)
		case !s.shaking:
			return 0, errNothing
		}
	}
}

// Write never blocks: what the kernel does not take waits for the next recv.
func (s *session) Write(p []byte) (int, error) {
	s.out = append(s.out, p...)
	return len(p), s.flush()
}

func (s *session) flush() error {
	for len(s.out) > 0 {
		n := sendRaw(s.fd, s.out)
		if n == again {
			return nil
		}
		if n < 0 {
			return syscall.Errno(-n)
		}
		s.out = s.out[n:]
	}
	s.out = s.out[:0]
	return nil
}

func (s *session) SetWriteDeadline(time.Time) error { return nil }

// nothing is an error after which tls.Conn.Read may be called again.
type nothing struct{ error }

func (nothing) Timeout() bool   { return false }
func (nothing) Temporary() bool { return true }

var errNothing net.Error = nothing{os.ErrDeadlineExceeded}
