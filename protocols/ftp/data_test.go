package ftp

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A file goes to the client, and one comes from him.
func TestTransfers(t *testing.T) {
	w := newWorld(t)
	w.files.m["/a"] = "hello"
	d := w.dial(clientIP, w.passive())
	w.says("RETR a", "150 Opening data connection for 5 bytes", "226 Transfer complete")
	assert.Equal(t, "hello", d.heard.String())
	assert.True(t, d.eof)
	assert.Equal(t, "open close", w.files.noted())

	d = w.dial(clientIP, w.passive())
	w.says("STOR b", "150 Send it")
	w.on(func() { d.Write([]byte("bye")) })
	w.hears("")
	w.on(d.CloseWrite)
	w.hears("226 Transfer complete\r\n")
	assert.Equal(t, "bye", w.files.m["/b"])
	assert.Equal(t, "create write commit close", w.files.noted())
}

const (
	opened   = "150 Opening data connection for 5 bytes"
	complete = "226 Transfer complete"
	broken   = "426 The data connection has failed"
	marooned = "425 Service is shutting down"
)

// What happens in each state: the table of the data connection. A row brings a world
// into a state, and says what comes of an event there.
func TestStates(t *testing.T) {
	inWorlds(t, map[string]func(w *world){
		"idle: a transfer finds none": func(w *world) { w.says("RETR a", "425 PASV or PORT first") },
		"idle: ABOR":                  func(w *world) { w.says("ABOR", "226 Aborted") },
		"idle: shutdown": func(w *world) {
			w.goesDown()
			w.hears("421 Service is shutting down\r\n")
		},

		"listening: another port takes its place": func(w *world) {
			old := w.passive()
			now := w.passive()
			assert.False(w, w.listens(old))
			w.dial(clientIP, now)
			w.says("RETR a", opened, complete)
		},
		"listening: PORT takes its place": func(w *world) {
			old := w.passive()
			w.says("PORT 192,0,2,9,200,1", "200 Ok")
			assert.False(w, w.listens(old))
		},
		"listening: a foreign PORT does not": func(w *world) {
			addr := w.passive()
			w.says("PORT 192,0,2,66,200,1", "504 Only to your own address, and no port below 1024")
			w.says("PORT 192,0,2,9,3,255", "504 Only to your own address, and no port below 1024")
			w.dial(clientIP, addr)
			w.says("RETR a", opened, complete)
		},
		"listening: a stranger is turned away, and the client served": func(w *world) {
			addr := w.passive()
			thief := w.dial(strangerIP, addr)
			assert.True(w, thief.refused())
			d := w.dial(clientIP, addr)
			w.says("RETR a", opened, complete)
			assert.Equal(w, "hello", d.heard.String())
			assert.Empty(w, thief.heard.String())
		},
		"listening: the client closes the port behind him": func(w *world) {
			addr := w.passive()
			w.dial(clientIP, addr)
			assert.False(w, w.listens(addr))
		},
		"listening: nobody for a minute": func(w *world) {
			addr := w.passive()
			w.Advance(passiveTimeout)
			w.hears("")
			assert.False(w, w.listens(addr))
			w.says("RETR a", "425 PASV or PORT first")
		},
		"listening: a file that is not there leaves it": func(w *world) {
			addr := w.passive()
			w.says("RETR b", "550 No such file or folder")
			w.dial(clientIP, addr)
			w.says("RETR a", opened, complete)
		},
		"listening: ABOR": func(w *world) {
			addr := w.passive()
			w.says("ABOR", "226 Aborted")
			assert.False(w, w.listens(addr))
		},
		"listening: the client goes": func(w *world) {
			addr := w.passive()
			w.on(w.ctrl.Abort)
			assert.False(w, w.listens(addr))
		},
		"listening: the client logs out": func(w *world) {
			addr := w.passive()
			w.says("REIN", "220 Torsion FTP")
			assert.False(w, w.listens(addr))
		},

		"ready: another port": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.passive()
			assert.Error(w, d.reason)
		},
		"ready: PORT": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.says("PORT 192,0,2,9,200,1", "200 Ok")
			assert.Error(w, d.reason)
		},
		"ready: what comes waits in the kernel": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.on(func() { d.Write([]byte("early")); d.CloseWrite() })
			w.says("STOR b", "150 Send it", complete)
			assert.Equal(w, "early", w.files.m["/b"])
		},
		"ready: the connection breaks": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.on(d.Abort)
			w.hears("")
			w.says("RETR a", "425 PASV or PORT first")
		},
		"ready: a file that is not there leaves it": func(w *world) {
			w.dial(clientIP, w.passive())
			w.says("RETR b", "550 No such file or folder")
			w.says("RETR a", opened, complete)
		},
		"ready: ABOR": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.says("ABOR", "226 Aborted")
			assert.Error(w, d.reason)
		},
		"ready: the control idle timer": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.Advance(5 * time.Minute)
			w.hears("421 Timeout, closing connection\r\n")
			assert.Error(w, d.reason)
		},

		"active: PASV": func(w *world) {
			w.says("PORT 192,0,2,9,200,1", "200 Ok")
			w.dial(clientIP, w.passive())
			w.says("RETR a", opened, complete)
		},
		"active: it connects": func(w *world) {
			d := w.accepts(clientIP + ":51201")
			w.says("PORT 192,0,2,9,200,1", "200 Ok")
			w.says("RETR a", opened, complete)
			assert.Equal(w, "hello", d.heard.String())
			assert.Equal(w, "192.0.2.1", hostOf(d.RemoteAddr()).String())
		},
		"active: EPRT": func(w *world) {
			d := w.accepts(clientIP + ":51201")
			w.says("EPRT |1|192.0.2.9|51201|", "200 Ok")
			w.says("RETR a", opened, complete)
			assert.Equal(w, "hello", d.heard.String())
		},
		"active: nobody listens there": func(w *world) {
			w.says("PORT 192,0,2,9,200,1", "200 Ok")
			w.says("RETR a", opened, "425 Cannot connect there")
			w.says("RETR a", "425 PASV or PORT first")
		},
		"active: a file that is not there leaves it": func(w *world) {
			w.accepts(clientIP + ":51201")
			w.says("PORT 192,0,2,9,200,1", "200 Ok")
			w.says("RETR b", "550 No such file or folder")
			w.says("RETR a", opened, complete)
		},
		"active: ABOR": func(w *world) {
			w.says("PORT 192,0,2,9,200,1", "200 Ok")
			w.says("ABOR", "226 Aborted")
			w.says("RETR a", "425 PASV or PORT first")
		},

		"opening: the peer comes late": func(w *world) {
			addr := w.passive()
			w.says("RETR a", opened)
			assert.True(w, w.dial(strangerIP, addr).refused())
			d := w.dial(clientIP, addr)
			w.hears(complete + "\r\n")
			assert.Equal(w, "hello", d.heard.String())
		},
		"opening: commands wait, STAT does not": func(w *world) {
			addr := w.passive()
			w.says("RETR a", opened)
			w.says("NOOP")
			w.says("EPSV")
			w.says("STAT", "211-Status:", " Logged in as eve", " TYPE: Image, STRU: File, MODE: Stream", " Transferring: 0 bytes so far", "211 End")
			w.dial(clientIP, addr)
			assert.Regexp(w, "^226 Transfer complete\r\n200 Ok\r\n229 Entering .*\r\n$", w.take())
		},
		"opening: nobody comes": func(w *world) {
			addr := w.passive()
			w.says("RETR a", opened)
			w.Advance(29 * time.Second)
			w.hears("")
			w.Advance(time.Second)
			w.hears("425 The data connection has not come about\r\n")
			assert.False(w, w.listens(addr))
			assert.Equal(w, "open close", w.files.noted())
		},
		"opening: ABOR": func(w *world) {
			addr := w.passive()
			w.says("STOR b", "150 Send it")
			w.says("ABOR", "426 Transfer aborted", "226 Aborted")
			assert.False(w, w.listens(addr))
			assert.Equal(w, "create close", w.files.noted())
			w.says("NOOP", "200 Ok")
		},
		"opening: the client goes while the file is opened": func(w *world) {
			w.dial(clientIP, w.passive())
			w.files.hook = map[string]func(){"open": func() { w.Call(w.ctrl.Abort) }}
			w.send("RETR a\r\n")
			assert.Equal(w, "open close", w.files.noted())
		},
		"opening: ABOR while the file is opened": func(w *world) {
			w.dial(clientIP, w.passive())
			w.files.hook = map[string]func(){"open": func() { w.Call(func() { w.ctrl.Write([]byte("ABOR\r\n")) }) }}
			w.says("RETR a", opened, "426 Transfer aborted", "226 Aborted")
		},
		"opening: QUIT waits": func(w *world) {
			addr := w.passive()
			w.says("RETR a", opened)
			w.says("QUIT")
			w.dial(clientIP, addr)
			w.hears(complete + "\r\n221 Goodbye\r\n")
		},
		"opening: shutdown": func(w *world) {
			w.passive()
			w.says("RETR a", opened)
			w.goesDown()
			w.hears(marooned + "\r\n421 Service is shutting down\r\n")
		},
		"opening: shutdown while the file is opened": func(w *world) {
			w.passive()
			w.shutsDownAtOpen()
			w.says("RETR a", opened, marooned, "421 Service is shutting down")
		},
		"opening: shutdown, but the client is here": func(w *world) {
			w.dial(clientIP, w.passive())
			w.shutsDownAtOpen()
			w.says("RETR a", opened, complete, "421 Service is shutting down")
		},

		"moving: the connection breaks": func(w *world) {
			d := w.storing()
			w.on(d.Abort)
			w.hears(broken + "\r\n")
			assert.Equal(w, "create write close", w.files.noted())
			assert.NotContains(w, w.files.m, "/b")
		},
		"moving: nothing moves": func(w *world) {
			d := w.storing()
			w.Advance(4 * time.Minute)
			w.on(func() { d.Write([]byte("x")) })
			w.Advance(4 * time.Minute)
			w.hears("")
			w.Advance(time.Minute)
			w.hears("426 Nothing moves any more\r\n")
			assert.NotContains(w, w.files.m, "/b")
		},
		"moving: the client is silent": func(w *world) {
			d := w.storing()
			for range 10 {
				w.Advance(2 * time.Minute)
				w.on(func() { d.Write([]byte("x")) })
			}
			w.on(d.CloseWrite)
			w.hears(complete + "\r\n")
		},
		"moving: the disk is full": func(w *world) {
			w.files.err = map[string]error{"write": syscall.ENOSPC}
			d := w.storing()
			w.hears("452 Insufficient storage space\r\n")
			assert.True(w, d.eof)
			assert.NoError(w, d.reason)
			assert.Equal(w, "create write close", w.files.noted())
		},
		"moving: quota": func(w *world) {
			w.files.err = map[string]error{"write": ErrQuota}
			w.storing()
			w.hears("552 Quota exceeded\r\n")
		},
		"moving: ABOR": func(w *world) {
			d := w.storing()
			w.says("ABOR", "426 Transfer aborted", "226 Aborted")
			assert.Error(w, d.reason)
			assert.Equal(w, "create write close", w.files.noted())
		},
		"moving: ABOR while the disk works": func(w *world) {
			d := w.storing()
			w.files.hook = map[string]func(){"write": func() { w.Call(func() { w.ctrl.Write([]byte("ABOR\r\n")) }) }}
			w.on(func() { d.Write([]byte("more")) })
			w.hears("426 Transfer aborted\r\n226 Aborted\r\n")
			assert.NotContains(w, w.files.m, "/b")
		},
		"moving: the client goes": func(w *world) {
			d := w.storing()
			w.on(w.ctrl.Abort)
			assert.Error(w, d.reason)
			assert.Equal(w, "create write close", w.files.noted())
		},
		"moving: shutdown": func(w *world) {
			d := w.storing()
			w.goesDown()
			w.hears("")
			w.on(d.CloseWrite)
			w.hears(complete + "\r\n421 Service is shutting down\r\n")
			assert.Equal(w, "begin", w.files.m["/b"])
		},
		"moving: what a client says whom we send to is nothing": func(w *world) {
			w.files.m["/a"] = strings.Repeat("x", 1<<20)
			d := w.dial(clientIP, w.passive())
			w.on(func() { d.PauseReading(); d.Write([]byte("what?")); d.CloseWrite() })
			w.says("RETR a", "150 Opening data connection for 1048576 bytes")
			w.on(d.ResumeReading)
			w.hears(complete + "\r\n")
			assert.Len(w, d.heard.String(), 1<<20)
		},
		"moving: whom we send to takes nothing": func(w *world) {
			w.files.m["/a"] = strings.Repeat("x", 1<<20)
			d := w.dial(clientIP, w.passive())
			w.on(d.PauseReading)
			w.says("RETR a", "150 Opening data connection for 1048576 bytes")
			w.Advance(5 * time.Minute)
			assert.Regexp(w, "^426 ", w.take())
			assert.Equal(w, "open close", w.files.noted())
		},
		"moving: the disk cannot read on": func(w *world) {
			w.files.m["/a"] = strings.Repeat("x", 1<<20)
			w.files.readErr = syscall.EIO
			d := w.dial(clientIP, w.passive())
			w.says("RETR a", "150 Opening data connection for 1048576 bytes", "451 Cannot read on")
			assert.ErrorIs(w, d.reason, syscall.ECONNRESET)
		},

		"flushing: ABOR is too late": func(w *world) {
			d := w.storing()
			w.files.hook = map[string]func(){"commit": func() { w.Call(func() { w.ctrl.Write([]byte("ABOR\r\n")) }) }}
			w.on(d.CloseWrite)
			w.hears(complete + "\r\n226 Aborted\r\n")
			assert.Equal(w, "begin", w.files.m["/b"])
		},
		"flushing: a break is too late": func(w *world) {
			d := w.storing()
			w.files.hook = map[string]func(){"commit": func() { w.Call(d.Abort) }}
			w.on(d.CloseWrite)
			w.hears(complete + "\r\n")
		},
		"flushing: the client goes, and the upload is completed": func(w *world) {
			d := w.storing()
			w.files.hook = map[string]func(){"commit": func() { w.Call(w.ctrl.Abort) }}
			w.on(d.CloseWrite)
			assert.Equal(w, "begin", w.files.m["/b"])
			assert.Equal(w, "create write commit close", w.files.noted())
		},
		"flushing: the disk is full": func(w *world) {
			w.files.err = map[string]error{"commit": syscall.ENOSPC}
			d := w.storing()
			w.on(d.CloseWrite)
			w.hears("452 Insufficient storage space\r\n")
			assert.NotContains(w, w.files.m, "/b")
		},
	})
}
