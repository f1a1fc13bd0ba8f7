package ftp

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
)

// A line that is too long is answered in its turn, also behind a transfer.
func TestLongLineInTransfer(t *testing.T) {
	w := newWorld(t)
	w.files.put("/a", "hello")
	addr := w.passive()
	w.says("RETR a", opened)
	w.says("NOOP")
	w.says(strings.Repeat("x", maxLine+1))
	w.says("NOOP")
	w.dial(clientIP, addr)
	w.hears(complete + "\r\n200 Ok\r\n500 Line too long\r\n200 Ok\r\n")
}

// Commands that wait for the end of a transfer are not obeyed when the server goes down:
// they may be transfers as well.
func TestShutdownBehindTransfer(t *testing.T) {
	w := newWorld(t)
	w.files.put("/a", "hello")
	d := w.storing()
	w.says("PORT 192,0,2,9,200,1")
	w.says("RETR a")
	w.goesDown()
	w.on(d.CloseWrite)
	w.hears(complete + "\r\n421 Service is shutting down\r\n")
}

// However often a client says ABOR while a transfer that is over waits for its disk, it
// waits as all commands do, and each is answered.
func TestAbortsAreBounded(t *testing.T) {
	w := newWorld(t)
	d := w.storing()
	w.files.hook = map[string]func(){"commit": func() {
		w.Call(func() {
			s := w.channel.s
			said := 0
			for ; said < 1000 && s.Reading(); said++ {
				s.LineReceived([]byte("ABOR"))
			}
			assert.Equal(w, maxHeld+1, said)
			assert.Len(w, s.held, maxHeld)
		})
	}}
	w.on(d.CloseWrite)
	w.hears(complete + "\r\n" + strings.Repeat("226 Aborted\r\n", maxHeld+1))
	w.says("NOOP", "200 Ok")
}

// Errors are counted until something is done with files, and for who has not logged in,
// or only says what changes nothing, for ever.
func TestErrorsAreForgiven(t *testing.T) {
	w := newWorld(t)
	w.files.put("/a", "hello")
	for range maxErrors {
		w.dial(clientIP, w.passive())
		w.says("RETR a", opened, complete)
		w.says("XCRC a", "500 Command not understood")
		w.says("SITE UTIME a", "504 Not known: SITE HELP")
	}
	for range maxErrors {
		w.says("XCRC a", "500 Command not understood")
		w.says("CWD /", "250 Ok")
	}
	for range maxErrors - 1 {
		w.says("XCRC a", "500 Command not understood")
		w.says("NOOP", "200 Ok")
		w.says("PWD", `257 "/" is the current folder`)
		w.says("RETR b", "425 PASV or PORT first")
	}
	w.says("XCRC a", "421 Too many errors")
	assert.True(t, w.ctrl.eof)
}

// An Account is the Backend's, which may give it to many sessions at once.
func TestAccountIsNotChanged(t *testing.T) {
	w := newWorld(t)
	a := &Account{Files: w.files}
	w.login = func() (*Account, error) { return a, nil }
	w.says("USER eve", "331 Password required")
	w.says("PASS sesame", "230 Logged in")
	w.says("DELE a", "550 Permission denied")
	assert.Zero(t, a.Allow)
}

// Each permission is needed for what it is for.
func TestPermissionsOfVerbs(t *testing.T) {
	m := &Memory{}
	w := newWorld(t)
	w.logsIn(Account{Files: m, Allow: ReadWrite})
	for _, name := range []string{"a", "b"} {
		d := w.dial(clientIP, w.passive())
		w.says("STOR "+name, "150 Send it")
		w.on(d.CloseWrite)
		w.hears(complete + "\r\n")
	}
	const denied = "550 Permission denied"
	w.logsIn(Account{Files: m, Allow: ReadOnly})
	for _, l := range []string{"DELE a", "RMD a", "MKD c", "RNFR a", "RNTO c", "STOU", "APPE a", "MFMT 20200101000000 a", "SITE CHMOD 600 a"} {
		w.says(l, denied)
	}
	w.logsIn(Account{Files: m, Allow: List | Modify})
	w.passive()
	for _, l := range []string{"RETR a", "STOR new", "APPE new"} {
		w.says(l, denied)
	}
	w.logsIn(Account{Files: m, Allow: List | Create | Rename})
	w.passive()
	w.says("APPE a", denied)
	w.says("STOR a", "550 Exists already")
	w.says("RNFR a", "350 To what?")
	w.says("RNTO b", denied)
	w.says("RNFR a", "350 To what?")
	w.says("RNTO c", "250 Renamed")
	w.logsIn(Account{Files: m, Allow: Read})
	for _, l := range []string{"LIST", "NLST", "MLSD", "MLST", "STAT a", "SIZE a", "MDTM a", "CWD /"} {
		w.says(l, denied)
	}
}

// A client that asks and never reads is not read either, before long; nor is one during a
// transfer, where some commands are obeyed at once.
func TestNeverReads(t *testing.T) {
	for _, asked := range []string{"NOOP\r\n", "FEAT\r\n", "STAT\r\n", "ABOR\r\n", "nonsense is an error\r\n"} {
		w := newWorld(t)
		w.passive()
		s := w.channel.s
		w.says("STOR b", "150 Send it")
		w.on(w.ctrl.PauseReading)
		for range 200 {
			w.send(strings.Repeat(asked, 1000))
		}
		w.on(func() { assert.Less(t, s.Buffered(), 400<<10, asked) })
		assert.Less(t, len(s.held), maxHeld+1)
		w.on(w.ctrl.Abort)
	}
}

// A line of a megabyte, and bytes that are no text, are one wrong command each.
func TestMegabyteLine(t *testing.T) {
	w := newWorld(t)
	for range 16 {
		w.send(strings.Repeat("\x00\xfe", 1<<15))
	}
	w.hears("500 Line too long\r\n")
	w.says("")
	w.says("NOOP", "200 Ok")
}

// A Backend that returns nothing lets nobody in.
func TestNoAccount(t *testing.T) {
	w := newWorld(t)
	w.login = func() (*Account, error) { return nil, nil }
	w.says("USER eve", "331 Password required")
	w.says("PASS sesame")
	w.Advance(loginDelay)
	w.hears("530 Login incorrect\r\n")
	w.says("NOOP", "200 Ok")
}

// Files that panic cost a transfer and no more, and are closed all the same.
func TestFilesPanic(t *testing.T) {
	for op, replies := range map[string]string{
		"create": "451 Local error in processing\r\n",
		"write":  "150 Send it\r\n451 Local error in processing\r\n",
		"commit": "150 Send it\r\n451 Local error in processing\r\n",
	} {
		w := newWorld(t)
		w.files.hook = map[string]func(){op: func() { panic(op) }}
		d := w.dial(clientIP, w.passive())
		w.on(func() { d.Write([]byte("x")); d.CloseWrite() })
		w.send("STOR b\r\n")
		w.hears(replies)
		assert.Equal(t, op != "create", strings.HasSuffix(w.files.noted(), "close"), op)
		w.says("NOOP", "200 Ok")
	}
}

// Who comes above a limit is told so.
func TestBusy(t *testing.T) {
	w := newWorld(t)
	limit := &factory.Limit{Total: 1, Overflow: w.config.Busy()}
	_, err := w.Listen("tcp", "192.0.2.1:2121", limit.Around(w.config.New(Users{})))
	assert.NoError(t, err)
	assert.Equal(t, "220 Torsion FTP\r\n", w.dial(clientIP, "192.0.2.1:2121").heard.String())
	second := w.dial(clientIP, "192.0.2.1:2121")
	assert.Equal(t, "421 Too many connections, try again later\r\n", second.heard.String())
	assert.True(t, second.eof)

	c := w.config
	c.TLS, c.ImplicitTLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }}, true
	_, err = w.Listen("tcp", "192.0.2.1:990", c.Busy())
	assert.NoError(t, err)
	assert.Empty(t, w.dial(clientIP, "192.0.2.1:990").heard.String(), "not in clear")
}

// Types are as RFC 959 writes them, or without the space, as many clients do.
func TestTypes(t *testing.T) {
	w := newWorld(t)
	for _, l := range []string{"TYPE A", "TYPE a n", "TYPE I", "TYPE L 8", "TYPE L8", "TYPE l8"} {
		w.says(l, "200 Ok")
	}
	for _, l := range []string{"TYPE L", "TYPE L 7", "TYPE L7", "TYPE E", "TYPE A C"} {
		w.says(l, "504 Only A, A N, I and L 8")
	}
}
