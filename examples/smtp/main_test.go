package main_test

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// start runs the program and returns what it says behind "listening on", once for each
// port.
func start(t *testing.T, ports int, args ...string) (p *programtest.Program, addrs []string) {
	t.Helper()
	p = programtest.Serve(t, args...)
	addrs = append(addrs, p.Addr)
	for range ports - 1 {
		addrs = append(addrs, p.Behind(t, "listening on "))
	}
	return p, addrs
}

// talk says it all at once and returns all that is answered.
func talk(t *testing.T, network, addr, said string) string {
	t.Helper()
	c := programtest.Dial(t, network, addr)
	defer c.Close()
	c.Say(said)
	return c.HearRest()
}

const message = "EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\nDATA\r\nSubject: \x1b[2Jhi\r\n\r\nbody\r\n.\r\nQUIT\r\n"

// Without a maildir what comes is shown, with nothing that could do something to the
// terminal.
func TestShows(t *testing.T) {
	p, addrs := start(t, 1, "-listen", "127.0.0.1:0", "-name", "mx.our.test")
	answer := talk(t, "tcp", addrs[0], message)
	assert.Contains(t, answer, "220 mx.our.test ESMTP")
	assert.Contains(t, answer, "\r\n250 2.0.0 Ok: queued as ")
	shown := p.Stop(t, syscall.SIGTERM)
	assert.Contains(t, shown, " from <a@x> by 127.0.0.1:")
	assert.Contains(t, shown, "\nto <b@our.test>\n    Subject: \ufffd[2Jhi\n\n")
	assert.NotContains(t, shown, "body")
}

// With one it is kept, for the domains and mailboxes that are ours, over LMTP too.
func TestKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	socket := filepath.Join(t.TempDir(), "lmtp")
	p, addrs := start(t, 2, "-listen", "127.0.0.1:0", "-maildir", dir, "-domain", "our.test", "-domain", "other.test", "-mailbox", "b",
		"-lmtp", socket, "-lmtp-mode", "0660")
	mode, err := os.Stat(socket)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o660), mode.Mode().Perm())
	assert.Contains(t, talk(t, "tcp", addrs[0], message), "queued as")
	assert.Contains(t, talk(t, "unix", addrs[1], strings.Replace(message, "EHLO", "LHLO", 1)), "queued as")
	for _, to := range []string{"b@elsewhere.test", "c@our.test", "b%elsewhere.test@our.test"} {
		assert.Contains(t, talk(t, "tcp", addrs[0], strings.Replace(message, "b@our.test", to, 1)), "\r\n550 5.", to)
	}
	p.Stop(t, syscall.SIGTERM)
	files, err := filepath.Glob(filepath.Join(dir, "new", "*"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	assert.Contains(t, string(text), "Return-Path: <a@x>\r\n")
	assert.True(t, strings.HasSuffix(string(text), "\r\nbody\r\n"))
}

// A password is asked for where it cannot be overheard, unless somebody insists.
func TestLogin(t *testing.T) {
	for _, args := range [][]string{
		{"-user", "eve", "-password", "x"},
		{"-user", "eve", "-insecure-auth"},
		{"-listen-tls", "127.0.0.1:0"},
		{"-listen", ""},
		{"-queue", "x"},
		{"-tls-cert", "x"},
		{"-maildir", "/dev/null/x"},
		{"-relay", "127.0.0.1:1", "-domain", "x", "-queue", "x"},
		{"-relay", "127.0.0.1:1", "-domain", "x", "-user", "eve", "-password", "x", "-insecure-auth"},
		{"-relay", "127.0.0.1:1", "-queue", "x", "-user", "eve", "-password", "x", "-insecure-auth"},
		{"-domain", "two words"},
		{"-mailbox", "a b"},
		{"-mailbox", "a@b@c"},
		{"-name", "mx.our.test\r\n250 ok"},
		{"-name", "b\u00fccher.test"},
		{"-lmtp-mode", "0999"},
		{"what"},
		{"-max-size", "-5"},
		{"-max-size", "0"},
		{"-connections", "-1"},
		{"-host", "-1"},
		{"-reactors", "-1"},
		{"-idle", "0"},
		{"-drain", "0"},
		{"-drain", "-5s"},
		{"-password", "sesame"},
		{"-login"},
		{"-lmtp-mode", "0666"},
	} {
		out, errs, status := programtest.Run(programtest.Command(append([]string{"-listen", "127.0.0.1:0"}, args...)...))
		assert.Equal(t, 2, status, args)
		assert.Empty(t, out)
		assert.Equal(t, 1, strings.Count(errs, "\n"), "%v: %s", args, errs) // the error, and no list of flags
		assert.Contains(t, errs, args[0])
		assert.NotContains(t, errs, "sesame")
	}
	p, addrs := start(t, 2, "-listen", "127.0.0.1:0", "-listen-tls", "127.0.0.1:0", "-tls-self-signed", "-user", "eve", "-password", "sesame")
	answer := talk(t, "tcp", addrs[0], "EHLO me\r\nAUTH PLAIN AGV2ZQBzZXNhbWU=\r\nQUIT\r\n")
	assert.Contains(t, answer, "250-STARTTLS\r\n")
	assert.Contains(t, answer, "538 5.7.11 Encryption required")
	p.Stop(t, syscall.SIGTERM)
	p, addrs = start(t, 1, "-listen", "127.0.0.1:0", "-insecure-auth", "-login", "-user", "eve", "-password", "sesame")
	assert.Contains(t, talk(t, "tcp", addrs[0], "EHLO me\r\nAUTH PLAIN AGV2ZQBzZXNhbWU=\r\nQUIT\r\n"), "235 2.7.0")
	assert.Contains(t, talk(t, "tcp", addrs[0], "EHLO me\r\nAUTH PLAIN AGV2ZQBh\r\nQUIT\r\n"), "535 5.7.8")
	p.Stop(t, syscall.SIGTERM)
	assert.Regexp(t, `WARN smtp: login failed peer=127\.0\.0\.1:\d+ user=eve mechanism=PLAIN err="wrong user or password" reply="535 `, p.Err.String())
}

// Who is one too many is told so in the way in which the port speaks.
func TestBusy(t *testing.T) {
	p, addrs := start(t, 2, "-listen", "127.0.0.1:0", "-listen-tls", "127.0.0.1:0", "-tls-self-signed", "-host", "1")
	for i, addr := range addrs {
		for _, code := range []string{"220 ", "421 "} {
			c := programtest.Dial(t, "tcp", addr)
			if i == 1 {
				c = programtest.Own(t, tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true}))
			}
			greeting := c.HearLine()
			assert.True(t, strings.HasPrefix(greeting, code), greeting)
		}
	}
	p.Stop(t, syscall.SIGTERM)
}

// Who fills the port of the world does not keep this machine out.
func TestBusyIsNotLMTP(t *testing.T) {
	p, addrs := start(t, 2, "-listen", "127.0.0.1:0", "-lmtp", filepath.Join(t.TempDir(), "lmtp"), "-connections", "1")
	c := programtest.Dial(t, "tcp", addrs[0])
	assert.Contains(t, c.HearLine(), "220 ")
	assert.Contains(t, talk(t, "unix", addrs[1], strings.Replace(message, "EHLO", "LHLO", 1)), "queued as")
	p.Stop(t, syscall.SIGTERM)
}

// Who is silent within a message is so too long, as between commands.
func TestIdle(t *testing.T) {
	p, addrs := start(t, 1, "-listen", "127.0.0.1:0", "-idle", "300ms")
	said, _, _ := strings.Cut(message, "Subject")
	for _, said := range []string{"", said} {
		assert.Contains(t, talk(t, "tcp", addrs[0], said), "421 4.4.2 ", said)
	}
	p.Stop(t, syscall.SIGTERM)
}

// A message under way has as long as -drain says when the program is to end, and that is
// told.
func TestDrain(t *testing.T) {
	p, addrs := start(t, 1, "-listen", "127.0.0.1:0", "-drain", "1ms")
	said, _, _ := strings.Cut(message, "Subject")
	c := programtest.Dial(t, "tcp", addrs[0])
	c.Say(said)
	for !strings.HasPrefix(c.HearLine(), "354 ") {
	}
	asked := time.Now()
	p.Stop(t, syscall.SIGTERM)
	assert.Less(t, time.Since(asked), 10*time.Second, "which is the reactor's own programtest.Patience")
	assert.Contains(t, p.Err.String(), "shutting down; open connections: 1, for 1ms at most; another signal ends it now\n")
}

// When one port cannot be opened none is said to be.
func TestAllPortsOrNone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	out, err := programtest.Command("-listen", "127.0.0.1:0", "-listen-tls", l.Addr().String(), "-tls-self-signed").CombinedOutput()
	assert.Error(t, err)
	assert.NotContains(t, string(out), "listening on")
}

// Mail of who has logged in goes on to elsewhere, and that of others does not. What is not
// wanted there comes back.
func TestRelays(t *testing.T) {
	first, there := start(t, 1, "-listen", "127.0.0.1:0", "-mailbox", "b")
	dir := filepath.Join(t.TempDir(), "mail")
	second, here := start(t, 1, "-listen", "127.0.0.1:0", "-insecure-auth", "-user", "eve", "-password", "sesame", "-maildir", dir,
		"-domain", "our.test", "-relay", there[0], "-queue", filepath.Join(t.TempDir(), "queue"))
	other := strings.NewReplacer("b@our.test", "b@other.test", "<a@x>", "<a@our.test>").Replace(message)
	assert.Contains(t, talk(t, "tcp", here[0], other), "550 5.7.1 Relaying denied")
	login := strings.NewReplacer("MAIL", "AUTH PLAIN AGV2ZQBzZXNhbWU=\r\nMAIL", "DATA", "RCPT TO:<c@other.test>\r\nDATA").Replace(other)
	assert.Contains(t, talk(t, "tcp", here[0], login), "queued as")
	shown, err := first.Out.ReadString('\n')
	require.NoError(t, err)
	assert.Contains(t, shown, " from <a@our.test> by 127.0.0.1:")
	assert.Eventually(t, func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "new", "*"))
		return err == nil && len(files) == 1
	}, programtest.Patience, time.Millisecond, "the report")
	second.Stop(t, syscall.SIGTERM)
	first.Stop(t, syscall.SIGTERM)
}

// What could not be sent is tried again when somebody says so, long before its time.
func TestRelaysNow(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	p, here := start(t, 1, "-listen", "127.0.0.1:0", "-insecure-auth", "-user", "eve", "-password", "sesame",
		"-domain", "our.test", "-relay", l.Addr().String(), "-queue", filepath.Join(t.TempDir(), "queue"))
	login := strings.NewReplacer("MAIL", "AUTH PLAIN AGV2ZQBzZXNhbWU=\r\nMAIL", "b@our.test", "b@other.test").Replace(message)
	require.Contains(t, talk(t, "tcp", here[0], login), "queued as")
	attempts := make(chan struct{})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
			attempts <- struct{}{}
		}
	}()
	<-attempts
	require.Eventually(t, func() bool {
		p.Signal(t, syscall.SIGUSR1)
		select {
		case <-attempts:
			return true
		default:
			return false
		}
	}, programtest.Patience, time.Millisecond)
	p.Stop(t, syscall.SIGTERM)
	assert.Contains(t, p.Err.String(), "trying all mail that waits; messages: 1\n")
}
