package programtest

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
)

// Listen listens on a free port until the test's end.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// ListenTLS does so over TLS, and returns the PEM file by which a client trusts it.
func ListenTLS(t testing.TB) (l net.Listener, file string) {
	t.Helper()
	cert, err := secure.SelfSigned("127.0.0.1")
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "ca")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Leaf.Raw}), 0o600))
	return tls.NewListener(Listen(t), &tls.Config{Certificates: []tls.Certificate{cert}}), file
}

// Replies are what a server says to a line, or to whatever has that first word.
type Replies map[string]string

// To returns the reply to a line.
func (r Replies) To(line string) (reply string, ok bool) {
	if reply, ok = r[line]; !ok {
		word, _, _ := strings.Cut(line, " ")
		reply, ok = r[word]
	}
	return reply, ok
}

// A Script is a server that says what it was told to, to one client after the other.
type Script struct {
	net.Listener
	answer func(c net.Conn, line string) string
	heard  chan string // lines
}

// Play begins with the answer to "greeting". It does not send an empty one, and hangs up
// behind one that ends in !.
func Play(l net.Listener, answer func(c net.Conn, line string) string) *Script {
	s := &Script{l, answer, make(chan string, 1000)}
	go func() {
		defer close(s.heard)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(c)
		}
	}()
	return s
}

func (s *Script) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(Patience))
	in := bufio.NewScanner(c)
	for line := "greeting"; ; line = in.Text() {
		reply, end := strings.CutSuffix(s.answer(c, line), "!")
		if reply != "" {
			fmt.Fprint(c, reply, "\r\n")
		}
		if end || !in.Scan() {
			return
		}
		s.heard <- in.Text()
	}
}

// Await waits until a line is heard that begins so.
func (s *Script) Await(t testing.TB, words string) {
	t.Helper()
	late := time.After(Patience)
	for {
		select {
		case line, ok := <-s.heard:
			require.True(t, ok, "the server has ended")
			if strings.HasPrefix(line, words) {
				return
			}
		case <-late:
			require.Fail(t, "never heard: "+words)
		}
	}
}

// All ends the server when its client has gone, and returns what it has heard.
func (s *Script) All() string {
	s.Close()
	var b strings.Builder
	for line := range s.heard {
		b.WriteString(line + "\n")
	}
	return b.String()
}
