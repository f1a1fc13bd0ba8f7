package ftp

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const (
	foreign  = "504 Only to your own address, and no port below 1024"
	nothing  = "425 PASV or PORT first"
	goesDown = "421 Service is shutting down\r\n"
)

// What TestStates leaves: the same events in the other states.
func TestStatesToo(t *testing.T) {
	inWorlds(t, map[string]func(w *world){
		"ready: a foreign PORT leaves it": func(w *world) {
			w.dial(clientIP, w.passive())
			w.says("PORT 192,0,2,66,200,1", foreign)
			w.says("RETR a", opened, complete)
		},
		"ready: nobody else gets in": func(w *world) {
			addr := w.passive()
			w.dial(clientIP, addr)
			assert.False(w, w.listens(addr))
			w.says("RETR a", opened, complete)
		},
		"ready: shutdown": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.goesDown()
			w.hears(goesDown)
			assert.Error(w, d.reason)
		},
		"ready: the client goes": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.on(w.ctrl.Abort)
			assert.Error(w, d.reason)
		},
		"ready: QUIT": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.says("QUIT", "221 Goodbye")
			assert.Error(w, d.reason)
		},
		"listening: shutdown": func(w *world) {
			addr := w.passive()
			w.goesDown()
			w.hears(goesDown)
			assert.False(w, w.listens(addr))
		},
		"listening: QUIT": func(w *world) {
			addr := w.passive()
			w.says("QUIT", "221 Goodbye")
			assert.False(w, w.listens(addr))
		},
		"listening: somebody else logs in": func(w *world) {
			addr := w.passive()
			w.says("USER adam", "331 Password required")
			assert.False(w, w.listens(addr))
		},
		"active: another PORT, and a foreign one": func(w *world) {
			d := w.accepts(clientIP + ":51202")
			w.says("PORT 192,0,2,9,200,1", "200 Ok")
			w.says("PORT 192,0,2,9,200,2", "200 Ok")
			w.says("PORT 192,0,2,66,200,1", foreign)
			w.says("RETR a", opened, complete)
			assert.Equal(w, "hello", d.heard.String())
		},
		"active: shutdown": func(w *world) {
			w.says("PORT 192,0,2,9,200,1", "200 Ok")
			w.goesDown()
			w.hears(goesDown)
		},
		"opening: the connection breaks while the file is opened": func(w *world) {
			d := w.dial(clientIP, w.passive())
			w.files.hook = map[string]func(){"open": func() { w.Call(d.Abort) }}
			w.send("RETR a\r\n")
			assert.Regexp(w, "^(150 [^\n]*\n)?(425|426) [^\n]*\n$", w.take())
			w.says("RETR a", nothing)
			assert.Equal(w, "open close", w.files.noted())
		},
		"opening: the client goes while he is waited for": func(w *world) {
			addr := w.passive()
			w.says("STOR b", "150 Send it")
			w.on(w.ctrl.Abort)
			assert.False(w, w.listens(addr))
			assert.Equal(w, "create close", w.files.noted())
		},
		"opening: shutdown closes the port": func(w *world) {
			w.passive()
			w.says("RETR a", opened)
			w.goesDown()
			w.hears("425 Service is shutting down\r\n" + goesDown)
		},
		"opening: ABOR twice in a packet": func(w *world) {
			w.passive()
			w.says("RETR a", opened)
			w.says("ABOR\r\nABOR", "426 Transfer aborted", "226 Aborted", "226 Aborted")
			w.says("RETR a", nothing)
		},
		"opening: PORT in a packet with its command": func(w *world) {
			w.says("PORT 192,0,2,9,200,1\r\nRETR a\r\nNOOP", "200 Ok", opened, "425 Cannot connect there", "200 Ok")
		},
		"moving: ports and commands wait": func(w *world) {
			d := w.storing()
			w.says("EPSV")
			w.says("PORT 192,0,2,9,200,1")
			w.says("RETR a")
			w.on(d.CloseWrite)
			assert.Regexp(w, "^226 [^\n]*\n229 [^\n]*\n200 [^\n]*\n150 [^\n]*\n425 [^\n]*\n$", w.take())
		},
		"moving: QUIT waits": func(w *world) {
			d := w.storing()
			w.says("QUIT")
			w.on(d.CloseWrite)
			w.hears(complete + "\r\n221 Goodbye\r\n")
			assert.Equal(w, "begin", w.files.m["/b"])
		},
		"moving: a stranger finds no port": func(w *world) {
			addr := w.passive()
			w.dial(clientIP, addr)
			w.says("STOR b", "150 Send it")
			assert.False(w, w.listens(addr))
			w.says("ABOR", "426 Transfer aborted", "226 Aborted")
		},
		"moving: whom we send to breaks": func(w *world) {
			w.files.m["/a"] = strings.Repeat("x", 1<<20)
			d := w.dial(clientIP, w.passive())
			w.on(d.PauseReading)
			w.says("RETR a", "150 Opening data connection for 1048576 bytes")
			w.on(d.Abort)
			w.hears(broken + "\r\n")
			assert.Equal(w, "open close", w.files.noted())
		},
		"moving: the client goes, whom we send to": func(w *world) {
			w.files.m["/a"] = strings.Repeat("x", 1<<20)
			d := w.dial(clientIP, w.passive())
			w.on(d.PauseReading)
			w.says("RETR a", "150 Opening data connection for 1048576 bytes")
			w.on(w.ctrl.Abort)
			w.on(d.ResumeReading)
			assert.Error(w, d.reason)
			assert.Equal(w, "open close", w.files.noted())
		},
		"moving: a file in place keeps what came": func(w *world) {
			w.files.m["/b"] = "0123456789"
			d := w.dial(clientIP, w.passive())
			w.says("REST 4", "350 The next transfer begins at 4")
			w.says("STOR b", "150 Send it")
			w.on(func() { d.Write([]byte("x")) })
			w.on(d.Abort)
			w.hears(broken + "\r\n")
			assert.Equal(w, "append 4 write close", w.files.noted())
		},
		"flushing: commands wait, STAT and ABOR do not": func(w *world) {
			d := w.storing()
			w.files.hook = map[string]func(){"commit": func() {
				w.Call(func() {
					for _, l := range []string{"NOOP", "STAT", "ABOR", "QUIT"} {
						w.channel.s.LineReceived([]byte(l))
					}
					assert.Equal(w, flushing, w.channel.state)
				})
			}}
			w.on(d.CloseWrite)
			assert.Regexp(w, "(?s)^211-Status:.* Transferring: 5 bytes so far\r\n211 End\r\n"+
				"226 Transfer complete\r\n226 Aborted\r\n200 Ok\r\n221 Goodbye\r\n$", w.take())
			assert.Equal(w, "begin", w.files.m["/b"])
		},
		"flushing: shutdown": func(w *world) {
			d := w.storing()
			w.files.hook = map[string]func(){"commit": func() { w.Call(w.shutdown) }}
			w.on(d.CloseWrite)
			w.hears(complete + "\r\n" + goesDown)
			assert.Equal(w, "begin", w.files.m["/b"])
		},
		"one after the other": func(w *world) {
			for range 50 {
				d := w.dial(clientIP, w.passive())
				w.says("STOR b", "150 Send it")
				w.on(func() { d.Write([]byte("x")); d.CloseWrite() })
				w.hears(complete + "\r\n")
				w.dial(clientIP, w.passive())
				w.says("RETR b", "150 Opening data connection for 1 bytes", complete)
			}
		},
	})
}

// Ports are those that were configured, are given back, and may run out.
func TestPassivePorts(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.PassiveMin, c.PassiveMax = 40000, 40001 })
	first := w.ctrl
	assert.Contains(t, []string{"192.0.2.1:40000", "192.0.2.1:40001"}, w.passive())
	for range 2 { // the second finds none
		w.ctrl = w.dial(clientIP, serverAddr)
		w.take()
		w.says("USER eve", "331 Password required")
		w.says("PASS sesame", "230 Logged in")
		w.send("EPSV\r\n")
	}
	w.hears("425 No port is free\r\n")
	w.on(first.Abort)
	w.passive()
}

// What is told of our address, and who may come, can be decided otherwise.
func TestPublicAddrAndDataPeer(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.PublicAddr = func(net.Addr) netip.Addr { return netip.MustParseAddr("::ffff:198.51.100.7") }
		c.DataPeer = func(_, data net.Addr) bool { return hostOf(data) == netip.MustParseAddr(strangerIP) }
	})
	w.files.put("/a", "hello")
	w.send("PASV\r\n")
	assert.Regexp(t, `^227 Entering Passive Mode \(198,51,100,7,\d+,\d+\)\.\r\n$`, w.take())
	addr := w.passive()
	assert.True(t, w.dial(clientIP, addr).refused())
	d := w.dial(strangerIP, addr)
	w.says("RETR a", opened, complete)
	assert.Equal(t, "hello", d.heard.String())
	w.says("PORT 192,0,2,9,200,1", foreign)
	w.says("PORT 192,0,2,66,200,1", "200 Ok")
}

// However many strangers come in a session, a log tells of the first, unless it is to tell
// everything.
func TestStrangersInLog(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		addr := w.passive()
		for range 3 {
			assert.True(t, w.dial(strangerIP, addr).refused())
		}
	}
	const said = ` msg="ftp: a stranger at the data port" `
	assert.Equal(t, 1, strings.Count(w.logs.String(), "level=INFO"+said))
	assert.Equal(t, 8, strings.Count(w.logs.String(), "level=DEBUG"+said))
}
