package main_test

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// play has a mail server answer as it was told to, and 250 otherwise.
func play(l net.Listener, replies programtest.Replies) *programtest.Script {
	message := false
	return programtest.Play(l, func(_ net.Conn, line string) string {
		if message && line != "." {
			return ""
		}
		message = line == "DATA"
		if r, ok := replies.To(line); ok {
			return r
		}
		switch line {
		case "greeting":
			return "220 mail.test"
		case "DATA":
			return "354 go on"
		}
		return "250 ok"
	})
}

// run sends a message, and returns what the program says and its exit status.
func run(t *testing.T, addr string, args ...string) (stderr string, status int) {
	t.Helper()
	cmd := programtest.Command(append([]string{"-connect", addr, "-from", "ann@a.test", "-name", "client.test"}, args...)...)
	cmd.Stdin = strings.NewReader("Subject: hi\n\n.\n")
	cmd.Env = append(os.Environ(), "TORSION_PASSWORD=sesame")
	_, stderr, status = programtest.Run(cmd)
	return stderr, status
}

const none = "-starttls=none"

// What a server says is the status.
func TestStatus(t *testing.T) {
	bob, carl := "RCPT TO:<bob@b.test>", "RCPT TO:<carl@b.test>"
	for name, c := range map[string]struct {
		replies programtest.Replies
		args    []string
		status  int
		stderr  []string
	}{
		"accepted":             {nil, nil, 0, nil},
		"nobody":               {programtest.Replies{"RCPT": "550 5.1.1 who?"}, nil, 67, []string{`"bob@b.test": `, `"carl@b.test": `, "who?"}},
		"nobody, in old words": {programtest.Replies{"RCPT": "550 who?"}, nil, 67, nil},
		"one is nobody":        {programtest.Replies{bob: "550 5.1.1 who?"}, nil, 67, []string{`"bob@b.test": SMTP error 550: who?`}},
		"no relay":             {programtest.Replies{"RCPT": "550 5.7.1 no"}, nil, 69, nil},
		"nobody, and no":       {programtest.Replies{bob: "550 5.1.1 who?", carl: "554 5.7.1 no"}, nil, 69, nil},
		"no, and nobody":       {programtest.Replies{bob: "554 5.7.1 no", carl: "550 5.1.1 who?"}, nil, 69, nil},
		"nobody, and later":    {programtest.Replies{bob: "550 5.1.1 who?", carl: "450 4.2.1 later"}, nil, 75, nil},
		"no address":           {nil, []string{"-to", "b b"}, 67, []string{`"b b": `}},
		"no sender":            {programtest.Replies{"MAIL": "553 5.1.8 no"}, nil, 69, nil},
		"not now":              {programtest.Replies{"MAIL": "451 4.3.0 later"}, nil, 75, nil},
		"not this":             {programtest.Replies{".": "554 5.6.0 no"}, nil, 69, nil},
		"closed":               {programtest.Replies{"greeting": "421 4.3.2 later!"}, nil, 75, nil},
		"lost":                 {programtest.Replies{"MAIL": "!"}, nil, 75, nil},
		"lost at the end":      {programtest.Replies{".": "!"}, nil, 74, []string{"perhaps"}},
		"no mail server":       {programtest.Replies{"greeting": "SSH-2.0-x"}, nil, 76, nil},
		"no TLS":               {nil, []string{"-starttls", "required"}, 69, []string{"no TLS", "\n-starttls none "}},
		"no TLS for now":       {programtest.Replies{"EHLO": "250-a\r\n250 STARTTLS", "STARTTLS": "454 later"}, []string{"-starttls", "required"}, 75, nil},
		"opportunistic":        {programtest.Replies{"EHLO": "250-a\r\n250 STARTTLS", "STARTTLS": "454 later"}, []string{"-starttls", "opportunistic"}, 0, nil},
		"no handshake":         {programtest.Replies{"greeting": "220 in clear"}, []string{"-tls"}, 69, []string{"TLS", "\n-tls is for "}},
		"a cut handshake":      {programtest.Replies{"greeting": "!"}, []string{"-tls"}, 75, []string{"TLS"}},
		"wrong password":       {programtest.Replies{"EHLO": "250-a\r\n250 AUTH PLAIN", "AUTH": "535 5.7.8 no"}, []string{"-user", "eve", "-insecure-auth"}, 77, nil},
		"password, later":      {programtest.Replies{"EHLO": "250-a\r\n250 AUTH PLAIN", "AUTH": "454 4.7.0 no"}, []string{"-user", "eve", "-insecure-auth"}, 75, nil},
		"password in clear":    {nil, []string{"-user", "eve"}, 77, []string{"\n-insecure-auth "}},
		"hangs up":             {programtest.Replies{"greeting": "!"}, nil, 75, []string{"\n-tls is for "}},
		"no recipient":         {nil, []string{"--", "bob"}, 64, []string{"what is"}},
		"not now or then":      {nil, []string{"-starttls", "perhaps"}, 64, []string{"it is required"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(programtest.Listen(t), c.replies)
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
	s := play(programtest.Listen(t), nil)
	stderr, status := run(t, s.Addr().String(), none, "-to", "bob@b.test")
	assert.Zero(t, status, stderr)
	assert.Equal(t, "EHLO client.test\nMAIL FROM:<ann@a.test>\nRCPT TO:<bob@b.test>\nDATA\nSubject: hi\n\n..\n.\nQUIT\n", s.All())
}

// The password comes from where nobody sees it, and only over TLS with somebody who is
// trusted.
func TestPassword(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		l, ca := programtest.ListenTLS(t)
		s := play(l, programtest.Replies{"EHLO": "250-a\r\n250 AUTH PLAIN", "AUTH": "235 ok"})
		args := []string{"-tls", "-user", "eve", "-to", "bob@b.test"}
		if trusted {
			args = append(args, "-tls-ca", ca)
		}
		stderr, status := run(t, l.Addr().String(), args...)
		heard := s.All()
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
	_, stderr, status := programtest.Run(programtest.Command("-connect", "127.0.0.1:1", none, "-to", "b@b.test"))
	assert.Equal(t, 66, status, stderr)
	assert.Contains(t, stderr, "empty")
}

// Without a server it may help to try again; without a host it does not.
func TestNobodyThere(t *testing.T) {
	l := programtest.Listen(t)
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
	cmd := programtest.Command("-to", "b@b.test")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer in.Close()
	p := programtest.Start(t, cmd)
	for range 64 { // more than a pipe holds: it reads when that is written
		_, err = in.Write(make([]byte, 4096))
		require.NoError(t, err)
	}
	p.Signal(t, syscall.SIGTERM)
	_ = p.Wait() // the status says how it went
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	assert.True(t, ok && status.Signaled(), cmd.ProcessState)
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A signal ends it, and the status says whether the message may have been accepted.
func TestSignal(t *testing.T) {
	for verb, want := range map[string]int{"MAIL": 75, ".": 74} {
		s := play(programtest.Listen(t), programtest.Replies{verb: ""})
		cmd := programtest.Command("-connect", s.Addr().String(), none, "-to", "b@b.test")
		cmd.Stdin = strings.NewReader("hi")
		p := programtest.Start(t, cmd)
		s.Await(t, verb)
		p.Signal(t, syscall.SIGTERM)
		_ = p.Wait() // the status says how it went
		assert.Equal(t, want, p.ProcessState.ExitCode(), verb)
	}
}

// A message that cannot be read is none; one for which there is no room now is tried again.
func TestNoMessage(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	for tmp, want := range map[string]int{os.TempDir(): 66, nowhere: 75} {
		dir, err := os.Open(".")
		require.NoError(t, err)
		defer dir.Close()
		cmd := programtest.Command("-connect", "127.0.0.1:1", none, "-to", "b@b.test")
		cmd.Stdin, cmd.Env = dir, append(os.Environ(), "TMPDIR="+tmp)
		_, stderr, status := programtest.Run(cmd)
		assert.Equal(t, want, status, stderr)
		assert.NotEmpty(t, stderr)
	}
}
