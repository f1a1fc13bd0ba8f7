package ftp_test

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocols/ftp"
)

// A session is one with a client.
type session struct {
	*play
	conn net.Conn
	cwd  string
	tls  bool
	port net.Listener
	rest int64
	from string
}

func (s *session) serve() {
	defer func() {
		s.conn.Close()
		if s.port != nil {
			s.port.Close()
		}
	}()
	if s.config.Security == ftp.TLSImplicit && !s.startTLS() {
		return
	}
	in := bufio.NewReader(s.conn)
	if !s.answer("greeting", "") {
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\r\n")
		s.mu.Lock()
		s.said = append(s.said, line)
		s.mu.Unlock()
		verb, arg, _ := strings.Cut(line, " ")
		if !s.answer(verb, arg) {
			return
		}
		if verb == "AUTH" && s.tls {
			in.Reset(s.conn)
		}
	}
}

// answer reports whether the session goes on: it ends at a reply of "!".
func (s *session) answer(verb, arg string) bool {
	reply := ""
	if s.instead != nil {
		reply = s.instead(s, verb, arg)
	}
	if reply == "" {
		reply = s.usual(verb, arg)
	}
	text, ended := strings.CutSuffix(reply, "!")
	if text != "" {
		s.say(text + "\r\n")
	}
	if verb == "AUTH" && strings.HasPrefix(text, "234") {
		return s.startTLS()
	}
	return !ended && verb != "QUIT"
}

func (s *session) say(text string) {
	n := len(text)
	if s.cut {
		n = 1
	}
	for ; text != ""; text = text[min(n, len(text)):] {
		_, _ = io.WriteString(s.conn, text[:min(n, len(text))]) // to a client, which may be gone
	}
}

func (s *session) startTLS() bool {
	over := tls.Server(s.conn, s.serverTLS)
	s.conn, s.tls = over, true
	return over.Handshake() == nil
}

func (s *session) usual(verb, arg string) string {
	name := s.path(arg)
	s.mu.Lock()
	n := s.files[name]
	s.mu.Unlock()
	switch verb {
	case "greeting":
		return "220 ready"
	case "AUTH":
		return "234 go on"
	case "USER":
		return "331 password"
	case "PASS":
		return "230 welcome"
	case "FEAT":
		return "211-Features\r\n " + strings.Join(s.features, "\r\n ") + "\r\n211 end"
	case "PWD":
		return fmt.Sprintf("257 %q", s.cwd)
	case "EPSV":
		return fmt.Sprintf("229 here (|||%d|)", s.listen())
	case "PASV":
		n := s.listen()
		ip := strings.ReplaceAll(max(s.pasvIP, "127.0.0.1"), ".", ",")
		return fmt.Sprintf("227 here (%s,%d,%d)", ip, n>>8, n&255)
	case "REST":
		s.rest, _ = strconv.ParseInt(arg, 10, 64)
		return "350 then"
	case "STOR", "APPE":
		return s.store(verb, name, n)
	case "MKD", "RNTO":
		return s.make(verb, name)
	case "TYPE", "OPTS", "PBSZ", "PROT", "NOOP":
		return "200 ok"
	case "QUIT":
		return "221 bye"
	case "MFMT":
		stamp, of, _ := strings.Cut(arg, " ")
		return s.stamp(s.path(of), stamp)
	case "MLSD", "LIST":
		if n == nil || n.data != nil {
			return "550 no such folder"
		}
		return s.send([]byte(s.list(verb, name)))
	}
	if n == nil {
		return "550 nothing there"
	}
	return s.known(verb, name, n)
}

func (s *session) path(arg string) string {
	if path.IsAbs(arg) {
		return path.Clean(arg)
	}
	return path.Join(s.cwd, arg)
}

// known is for what is there.
func (s *session) known(verb, name string, n *node) string {
	switch verb {
	case "CWD":
		if n.data != nil {
			return "550 no folder"
		}
		s.cwd = name
		return "250 ok"
	case "RETR":
		if n.data == nil {
			return "550 a folder"
		}
		from := min(s.rest, int64(len(n.data)))
		s.rest = 0
		return s.send(n.data[from:])
	case "SIZE":
		return fmt.Sprintf("213 %d", len(n.data))
	case "MDTM":
		return "213 " + n.at.Format("20060102150405")
	case "RNFR":
		s.from = name
		return "350 to what?"
	case "DELE", "RMD":
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.files, name)
		return "250 gone"
	}
	return "502 what?"
}

func (s *session) make(verb, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if above := s.files[path.Dir(name)]; above == nil {
		return "550 nothing above it"
	}
	if verb == "RNTO" {
		s.files[name] = s.files[s.from]
		delete(s.files, s.from)
		return "250 renamed"
	}
	if s.files[name] != nil {
		return "550 it is there"
	}
	s.files[name] = folder()
	return "257 made"
}

func (s *session) stamp(name, stamp string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.files[name]
	at, err := time.Parse("20060102150405", stamp)
	if n == nil || err != nil {
		return "550 no"
	}
	n.at = at
	return "213 ok"
}

func (s *session) list(verb, name string) string {
	var b strings.Builder
	s.mu.Lock()
	defer s.mu.Unlock()
	for full, n := range s.files {
		if full == "/" || path.Dir(full) != name {
			continue
		}
		kind, letter, to := "file", "-", ""
		if n.data == nil {
			kind, letter = "dir", "d"
		}
		if n.fact == slink {
			letter, to = "l", " -> elsewhere"
		}
		if verb == "MLSD" {
			fmt.Fprintf(&b, "type=%s;size=%d;modify=%s; %s\r\n", cmp.Or(n.fact, kind), len(n.data), n.at.Format("20060102150405"), path.Base(full))
		} else {
			fmt.Fprintf(&b, "%srw-r--r-- 1 ann ann %d %s %s%s\r\n", letter, len(n.data), n.at.Format("Jan _2  2006"), path.Base(full), to)
		}
	}
	return b.String()
}

func (s *session) listen() int {
	if s.port != nil {
		s.port.Close()
	}
	var err error
	if s.port, err = netconn.Listen(s.r, "tcp", net.JoinHostPort(s.conn.LocalAddr().(*net.TCPAddr).IP.String(), "0")); !assert.NoError(s, err) {
		return 0
	}
	return s.port.Addr().(*net.TCPAddr).Port
}

// data announces a transfer and accepts the connection for it.
func (s *session) data() (c, raw net.Conn, err error) {
	s.say("150 now\r\n")
	if raw, err = s.port.Accept(); err != nil {
		return nil, nil, err
	}
	s.port.Close()
	if s.tls {
		over := tls.Server(raw, s.serverTLS)
		if s.resumed != nil && over.Handshake() == nil && over.ConnectionState().DidResume {
			s.resumed()
		}
		return over, raw, nil
	}
	return raw, raw, nil
}

func (s *session) send(b []byte) string {
	c, raw, err := s.data()
	if err != nil {
		return "425 nobody came"
	}
	defer raw.Close()
	if s.deliver != nil {
		s.deliver(c, raw, b)
	} else if _, err := c.Write(b); err != nil {
		return "426 lost"
	} else if err = c.Close(); err != nil {
		return "426 lost"
	}
	return max(s.after, "226 done")
}

func (s *session) store(verb, name string, old *node) string {
	c, raw, err := s.data()
	if err != nil {
		return "425 nobody came"
	}
	defer raw.Close()
	defer c.Close()
	b, err := io.ReadAll(c)
	if err != nil {
		return "426 lost"
	}
	if s.after != "" {
		return s.after
	}
	if old != nil && verb == "APPE" {
		b = append(slices.Clone(old.data), b...)
	} else if old != nil && s.rest > 0 {
		b = append(slices.Clone(old.data[:s.rest]), b...)
	}
	s.rest = 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = &node{data: append([]byte{}, b...), at: noon.Add(time.Hour)}
	return "226 stored"
}
