package ftp

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
)

// A Backend may keep the Peer that it was asked about: nothing changes in it.
func TestPeerIsTheBackends(t *testing.T) {
	w := newWorld(t)
	var kept *Peer
	f := w.config.New(BackendFunc(func(p *Peer, _, _ string) (*Account, error) {
		kept = p
		return &Account{Files: w.files}, nil
	}))
	_, err := w.Listen("tcp", "192.0.2.1:2121", f)
	assert.NoError(t, err)
	w.ctrl = w.dial(clientIP, "192.0.2.1:2121")
	w.take()
	w.says("HOST a", "220 Ok")
	w.says("USER eve", "331 Password required")
	w.says("PASS sesame", "230 Logged in")
	w.says("CLNT b", "200 Ok")
	w.says("REIN", "220 Torsion FTP")
	w.says("HOST c", "220 Ok")
	assert.Equal(t, "a", kept.Host)
	assert.Empty(t, kept.Client)
}

// Guesses are few, also while the Backend cannot say whether they are right.
func TestLoginsAreFew(t *testing.T) {
	w := newWorld(t)
	w.login = func() (*Account, error) { return nil, &Error{450, "Try again later"} }
	for range maxLogins - 1 {
		w.says("USER eve", "331 Password required")
		w.says("PASS sesame")
		w.Advance(loginDelay)
		w.hears("450 Try again later\r\n")
	}
	w.says("USER eve", "331 Password required")
	w.says("PASS sesame")
	w.Advance(loginDelay)
	w.hears("421 Too many failed logins\r\n")
}

// Who begins to log in at the last moment is let in.
func TestLoginAtTheLastMoment(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.LoginTimeout = time.Minute })
	w.says("REIN", "220 Torsion FTP")
	w.Advance(time.Minute - loginDelay)
	w.says("USER eve", "331 Password required")
	w.says("PASS wrong")
	w.Advance(loginDelay)
	w.hears("530 Login incorrect\r\n")
	w.says("USER eve", "331 Password required")
	w.says("PASS sesame", "230 Logged in")
	w.Advance(2 * time.Minute)
	w.says("NOOP", "200 Ok")
}

// A session that has said goodbye is timed no more, however slowly the client hears it.
func TestNoTimeAfterGoodbye(t *testing.T) {
	for _, last := range []string{"QUIT", "ABOR x"} {
		w := newWorld(t, func(c *Config) { c.IdleTimeout = time.Second })
		var reason error
		if n, ok := protocol.As[protocol.Notifier](w.session); assert.True(t, ok) {
			w.on(func() { n.Ended(func(err error) { reason = err }) })
		}
		d := w.dial(clientIP, w.passive())
		if last != "QUIT" {
			w.channel.s.errors = maxErrors - 1
			w.says("STOR b", "150 Send it")
		}
		w.send(last + "\r\n")
		assert.Error(t, d.reason)
		w.on(func() { assert.False(t, w.channel.s.timer.Stop()) })
		w.Advance(time.Minute)
		assert.NotErrorIs(t, reason, ErrTimeout)
	}
}

// That a connection is over TLS which is the session's no more says nothing of the next.
func TestLateSecured(t *testing.T) {
	w := newWorld(t)
	w.files.put("/a", "hello")
	w.passive()
	w.says("RETR a", opened)
	late := &dataConn{c: w.channel}
	w.on(func() { late.Secured(tls.ConnectionState{}) })
	assert.Equal(t, opening, w.channel.state)
}
