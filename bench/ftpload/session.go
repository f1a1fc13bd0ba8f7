package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A socket blocks the thread that uses it, which costs less than a poller.
type socket struct{ fd int }

func dial(port int) *socket {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	check(err)
	check(unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
	return &socket{fd}
}

func (s *socket) Read(p []byte) (int, error) {
	for {
		switch n, err := unix.Read(s.fd, p); {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (s *socket) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		n, err := unix.Write(s.fd, p[sent:])
		if err != nil && err != syscall.EINTR {
			return sent, err
		}
		sent += max(0, n)
	}
	return len(p), nil
}

func (s *socket) Close() error { return unix.Close(s.fd) }

// What crypto/tls wants besides.
func (s *socket) LocalAddr() net.Addr              { return nil }
func (s *socket) RemoteAddr() net.Addr             { return nil }
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// A session is one login.
type session struct {
	sock    *socket
	tls     *tls.Conn // nil in clear
	config  *tls.Config
	in      *bufio.Reader
	out     io.Writer
	buf     []byte
	shaken  int // of data connections
	resumed int
}

func login() *session {
	sock := dial(*port)
	check(unix.SetsockoptInt(sock.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	s := &session{sock: sock, in: bufio.NewReader(sock), out: sock, buf: make([]byte, 256<<10)}
	s.expect("220")
	if *secure {
		s.say("AUTH TLS", "234")
		s.config = &tls.Config{InsecureSkipVerify: true, ServerName: "bench", ClientSessionCache: tls.NewLRUClientSessionCache(0)}
		s.tls = tls.Client(sock, s.config)
		check(s.tls.Handshake())
		s.in, s.out = bufio.NewReader(s.tls), s.tls
		s.say("PBSZ 0", "200")
		s.say("PROT P", "200")
	}
	if reply := s.say("USER anonymous", ""); !strings.HasPrefix(reply, "230") {
		s.say("PASS bench@example.com", "230")
	}
	s.say("TYPE I", "200")
	return s
}

func (s *session) quit() {
	s.say("QUIT", "221")
	s.sock.Close()
}

func (s *session) version() string {
	if s.tls == nil {
		return ""
	}
	return tls.VersionName(s.tls.ConnectionState().Version)
}

func (s *session) say(line, want string) string {
	_, err := io.WriteString(s.out, line+"\r\n")
	check(err)
	return s.expect(want)
}

// expect reads one reply, which has to begin so, and returns its last line.
func (s *session) expect(want string) string {
	for {
		line, err := s.in.ReadString('\n')
		check(err)
		if len(line) < 4 || line[3] != ' ' || strings.Trim(line[:3], "0123456789") != "" {
			continue
		}
		if !strings.HasPrefix(line, want) {
			check(fmt.Errorf("want %s, got %q", want, line))
		}
		return line
	}
}

// passive opens a data connection.
func (s *session) passive() *socket {
	reply := s.say("PASV", "227")
	from := strings.LastIndexByte(reply, '(')
	var a, b, c, d, high, low int
	_, err := fmt.Sscanf(reply[from+1:], "%d,%d,%d,%d,%d,%d", &a, &b, &c, &d, &high, &low)
	check(err)
	return dial(high<<8 | low)
}

func (s *session) transfer(name string) {
	data := s.passive()
	if *mode == "retr" {
		s.say("RETR "+name, "1")
		s.download(data)
		data.Close()
		s.expect("226")
	} else {
		s.say("STOR "+name, "1")
		s.upload(data)
		s.expect("226")
		data.Close() // not before: what it has not read would have it send a reset
	}
}

// shake begins TLS on a data connection.
func (s *session) shake(data *socket) *tls.Conn {
	c := tls.Client(data, s.config)
	check(c.Handshake())
	s.shaken++
	if c.ConnectionState().DidResume {
		s.resumed++
	}
	return c
}

func (s *session) download(data *socket) {
	var got int64
	next := data.discard
	if *secure {
		c := s.shake(data)
		defer c.CloseWrite() // some wait for it before they say 226, others have gone
		next = c.Read
	} else if *verify {
		next = data.Read
	}
	for {
		n, err := next(s.buf)
		if *verify {
			same(s.buf[:n], got)
		}
		if got += int64(n); err == io.EOF {
			break
		}
		check(err)
	}
	if got != *size {
		check(fmt.Errorf("got %d bytes of %d", got, *size))
	}
}

// discard counts what has arrived, and has the kernel throw it away.
func (s *socket) discard([]byte) (int, error) {
	n, _, e := unix.Syscall6(unix.SYS_RECVFROM, uintptr(s.fd), 0, 64<<20, unix.MSG_TRUNC, 0, 0)
	switch {
	case e != 0:
		return 0, e
	case n == 0:
		return 0, io.EOF
	}
	return int(n), nil
}

func (s *session) upload(data *socket) {
	if *secure {
		c := s.shake(data)
		_, err := c.Write(content)
		check(err)
		check(c.CloseWrite())
	} else {
		check(data.send())
	}
	check(unix.Shutdown(data.fd, unix.SHUT_WR))
}

// send sends the file from where it lies.
func (s *socket) send() error {
	for off := int64(0); off < *size; {
		n, err := unix.Sendfile(s.fd, int(source.Fd()), &off, int(*size-off))
		if err != nil || n == 0 {
			return fmt.Errorf("sendfile: %d, %w", n, err)
		}
	}
	return nil
}
