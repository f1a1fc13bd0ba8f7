package main_test

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
)

const patience = 30 * time.Second // a busy machine is slow

var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sendmail")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "sendmail")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A server answers each verb of one client as it was told to, and 250 to others. It
// hangs up behind a reply that ends in !.
type server struct {
	net.Listener
	t       *testing.T
	replies map[string]string
	lines   chan string // what it hears
}

func listen(t *testing.T, replies map[string]string) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	s := &server{l, t, replies, make(chan string, 100)}
	go s.serve()
	return s
}

func (s *server) serve() {
	c, err := s.Accept()
	if err != nil {
		return // nobody came
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	defer close(s.lines)
	if !s.reply(c, "greeting", "220 mail.test") {
		return
	}
	for in, message := bufio.NewScanner(c), false; in.Scan(); {
		s.lines <- in.Text()
		verb, _, _ := strings.Cut(in.Text(), " ")
		switch otherwise := "250 ok"; {
		case message && in.Text() != ".":
			continue
		case verb == "DATA":
			otherwise = "354 go on"
			fallthrough
		default:
			if !s.reply(c, in.Text(), s.of(verb, otherwise)) {
				return
			}
			message = verb == "DATA"
		}
	}
}

func (s *server) of(verb, otherwise string) string {
	if r, ok := s.replies[verb]; ok {
		return r
	}
	return otherwise
}

// reply reports whether the conversation goes on.
func (s *server) reply(c net.Conn, said, otherwise string) bool {
	r, end := strings.CutSuffix(s.of(said, otherwise), "!")
	if r != "" {
		fmt.Fprint(c, r, "\r\n")
	}
	return !end
}

// heard is all that the server has heard.
func (s *server) heard() string {
	var b strings.Builder
	for line := range s.lines {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// run sends a message, and returns what the program says and its exit status.
func run(t *testing.T, addr string, args ...string) (stderr string, status int) {
	t.Helper()
	cmd := exec.Command(program, append([]string{"-connect", addr, "-from", "ann@a.test", "-name", "client.test"}, args...)...)
	cmd.Stdin = strings.NewReader("Subject: hi\n\n.\n")
	cmd.Env = append(os.Environ(), "TORSION_PASSWORD=sesame")
	var out strings.Builder
	cmd.Stderr = &out
	_ = cmd.Run() // the status says how it went
	return out.String(), cmd.ProcessState.ExitCode()
}

const none = "-starttls=none"

// What a server says is the status.
func TestStatus(t *testing.T) {
	bob, carl := "RCPT TO:<bob@b.test>", "RCPT TO:<carl@b.test>"
	for name, c := range map[string]struct {
		replies map[string]string
		args    []string
		status  int
		stderr  []string
	}{
		"accepted":             {nil, nil, 0, nil},
		"nobody":               {map[string]string{"RCPT": "550 5.1.1 who?"}, nil, 67, []string{`"bob@b.test": `, `"carl@b.test": `, "who?"}},
		"nobody, in old words": {map[string]string{"RCPT": "550 who?"}, nil, 67, nil},
		"one is nobody":        {map[string]string{bob: "550 5.1.1 who?"}, nil, 67, []string{`"bob@b.test": SMTP error 550: who?`}},
		"no relay":             {map[string]string{"RCPT": "550 5.7.1 no"}, nil, 69, nil},
		"nobody, and no":       {map[string]string{bob: "550 5.1.1 who?", carl: "554 5.7.1 no"}, nil, 69, nil},
		"no, and nobody":       {map[string]string{bob: "554 5.7.1 no", carl: "550 5.1.1 who?"}, nil, 69, nil},
		"nobody, and later":    {map[string]string{bob: "550 5.1.1 who?", carl: "450 4.2.1 later"}, nil, 75, nil},
		"no address":           {nil, []string{"-to", "b b"}, 67, []string{`"b b": `}},
		"no sender":            {map[string]string{"MAIL": "553 5.1.8 no"}, nil, 69, nil},
		"not now":              {map[string]string{"MAIL": "451 4.3.0 later"}, nil, 75, nil},
		"not this":             {map[string]string{".": "554 5.6.0 no"}, nil, 69, nil},
		"closed":               {map[string]string{"greeting": "421 4.3.2 later!"}, nil, 75, nil},
		"lost":                 {map[string]string{"MAIL": "!"}, nil, 75, nil},
		"lost at the end":      {map[string]string{".": "!"}, nil, 74, []string{"perhaps"}},
		"no mail server":       {map[string]string{"greeting": "SSH-2.0-x"}, nil, 76, nil},
		"no TLS":               {nil, []string{"-starttls", "required"}, 69, []string{"no TLS", "\n-starttls none "}},
		"no TLS for now":       {map[string]string{"EHLO": "250-a\r\n250 STARTTLS", "STARTTLS": "454 later"}, []string{"-starttls", "required"}, 75, nil},
		"opportunistic":        {map[string]string{"EHLO": "250-a\r\n250 STARTTLS", "STARTTLS": "454 later"}, []string{"-starttls", "opportunistic"}, 0, nil},
		"no handshake":         {map[string]string{"greeting": "220 in clear"}, []string{"-tls"}, 69, []string{"TLS", "\n-tls is for "}},
		"a cut handshake":      {map[string]string{"greeting": "!"}, []string{"-tls"}, 75, []string{"TLS"}},
		"wrong password":       {map[string]string{"EHLO": "250-a\r\n250 AUTH PLAIN", "AUTH": "535 5.7.8 no"}, []string{"-user", "eve", "-insecure-auth"}, 77, nil},
		"password, later":      {map[string]string{"EHLO": "250-a\r\n250 AUTH PLAIN", "AUTH": "454 4.7.0 no"}, []string{"-user", "eve", "-insecure-auth"}, 75, nil},
		"password in clear":    {nil, []string{"-user", "eve"}, 77, []string{"\n-insecure-auth "}},
		"hangs up":             {map[string]string{"greeting": "!"}, nil, 75, []string{"\n-tls is for "}},
		"no recipient":         {nil, []string{"--", "bob"}, 64, []string{"what is"}},
		"not now or then":      {nil, []string{"-starttls", "perhaps"}, 64, []string{"it is required"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, c.replies)
			args := append([]string{"-to", "bob@b.test", "-to", "carl@b.test"}, c.args...)
			if !slices.Contains(args, "-tls") {
				args = append([]string{none}, args...)
			}
			stderr, status := run(t, s.Addr().String(), args...)
			assert.Equal(t, c.status, status, stderr)
			assert.Equal(t, c.status == 0, stderr == "", stderr)
			if c.status != 0 && c.status != 64 {
				assert.LessOrEqual(t, strings.Count(stderr, "\n"), 2+strings.Count(stderr, "\n-"), "a line for each, and which flag decides: %s", stderr)
			}
			for _, part := range c.stderr {
				assert.Contains(t, stderr, part)
			}
		})
	}
}

// The message arrives, and the server hears goodbye.
func TestMessage(t *testing.T) {
	s := listen(t, nil)
	stderr, status := run(t, s.Addr().String(), none, "-to", "bob@b.test")
	assert.Zero(t, status, stderr)
	assert.Equal(t, "EHLO client.test\nMAIL FROM:<ann@a.test>\nRCPT TO:<bob@b.test>\nDATA\nSubject: hi\n\n..\n.\nQUIT\n", s.heard())
}

// The password comes from where nobody sees it, and only over TLS with somebody who is
// trusted.
func TestPassword(t *testing.T) {
	cert, err := secure.SelfSigned("127.0.0.1")
	require.NoError(t, err)
	ca := filepath.Join(t.TempDir(), "ca")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Leaf.Raw}), 0o600))
	for _, trusted := range []bool{true, false} {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		s := &server{l, t, map[string]string{"EHLO": "250-a\r\n250 AUTH PLAIN", "AUTH": "235 ok"}, make(chan string, 100)}
		go s.serve()
		args := []string{"-tls", "-user", "eve", "-to", "bob@b.test"}
		if trusted {
			args = append(args, "-tls-ca", ca)
		}
		stderr, status := run(t, l.Addr().String(), args...)
		heard := s.heard()
		assert.Equal(t, trusted, strings.Contains(heard, "AUTH PLAIN AGV2ZQBzZXNhbWU="), heard)
		assert.Equal(t, trusted, status == 0, stderr)
		if !trusted {
			assert.Equal(t, 69, status, stderr)
			assert.Contains(t, stderr, "\n-tls-ca ")
		}
	}
}

// Flags that make no sense are said to.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"-to"}, {"-what"}, {"-to", "b@b", "-tls-ca", "/dev/null"}, {"-to", "b@b", "-user", "eve", "-password", ""},
		{"-to", "b@b", "-tls", none}, {"-to", "b@b", "-connect", "127.0.0.1"}} {
		stderr, status := run(t, "127.0.0.1:1", args...)
		assert.Equal(t, 64, status, args)
		assert.NotEmpty(t, stderr)
	}
	_, status := run(t, "127.0.0.1:1", "-h")
	assert.Zero(t, status)
}

// An empty message is none: what should have written it has failed.
func TestEmptyMessage(t *testing.T) {
	cmd := exec.Command(program, "-connect", "127.0.0.1:1", none, "-to", "b@b.test")
	out, _ := cmd.CombinedOutput() // the status says how it went
	assert.Equal(t, 66, cmd.ProcessState.ExitCode(), string(out))
	assert.Contains(t, string(out), "empty")
}

// Without a server it may help to try again; without a host it does not.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	_, status := run(t, l.Addr().String(), "-to", "b@b.test")
	assert.Equal(t, 75, status)
	stderr, status := run(t, "nobody.invalid:25", "-to", "b@b.test")
	if !strings.Contains(stderr, "no such host") {
		t.Skip("nobody answers for names here: ", stderr)
	}
	assert.Equal(t, 68, status)
}

// A signal ends it also while it reads the message, and nothing of that is left.
func TestSignalWhileReading(t *testing.T) {
	tmp := t.TempDir()
	cmd := exec.Command(program, "-to", "b@b.test")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer in.Close()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	for range 64 {                           // more than a pipe holds: it reads when that is written
		_, err = in.Write(make([]byte, 4096))
		require.NoError(t, err)
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait() // the status says how it went
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	assert.True(t, ok && status.Signaled(), cmd.ProcessState)
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A signal ends it, and the status says whether the message may have been accepted.
func TestSignal(t *testing.T) {
	for verb, want := range map[string]int{"MAIL": 75, ".": 74} {
		s := listen(t, map[string]string{verb: ""})
		cmd := exec.Command(program, "-connect", s.Addr().String(), none, "-to", "b@b.test")
		cmd.Stdin = strings.NewReader("hi")
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
		for line := range s.lines {
			if strings.HasPrefix(line, verb) {
				break
			}
		}
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait() // the status says how it went
		assert.Equal(t, want, cmd.ProcessState.ExitCode(), verb)
	}
}

// A message that cannot be read is none; one for which there is no room now is tried again.
func TestNoMessage(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	for tmp, want := range map[string]int{os.TempDir(): 66, nowhere: 75} {
		dir, err := os.Open(".")
		require.NoError(t, err)
		defer dir.Close()
		cmd := exec.Command(program, "-connect", "127.0.0.1:1", none, "-to", "b@b.test")
		cmd.Stdin, cmd.Env = dir, append(os.Environ(), "TMPDIR="+tmp)
		out, _ := cmd.CombinedOutput() // the status says how it went
		assert.Equal(t, want, cmd.ProcessState.ExitCode(), string(out))
		assert.NotEmpty(t, out)
	}
}
