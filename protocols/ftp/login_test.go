package ftp

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"
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
