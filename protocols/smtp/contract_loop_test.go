//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
)

// A homebody is a Session that wants to be called on the loop. Its Backend does not say
// so.
type homebody struct {
	clerk
	onLoop func() bool
	left   chan bool // whether it was on the loop that it was left
}

func (h *homebody) Logout() error {
	h.left <- h.onLoop()
	return nil
}

// A Session that was made off the loop is left on it, if it says so, also if its client
// has gone before it was made.
func TestLogoutOnLoop(t *testing.T) {
	h := &homebody{clerk: clerk{onLoop: true}, left: make(chan bool, 1)}
	var s *session
	server := &server{Config: testServer().withDefaults(), backend: BackendFunc(func(*Peer) (Session, error) {
		assert.NoError(t, s.Loop().Call(s.Abort))
		lost := make(chan bool)
		assert.NoError(t, s.Loop().Call(func() { close(lost) }))
		<-lost
		return h, nil
	})}
	s = &session{server: server}
	h.onLoop = func() bool { return s.Loop().(interface{ OnLoop() bool }).OnLoop() }
	addr, _ := serve(t, factory.Each(func() protocol.Protocol { return line.New(s) }))
	c := call(t, addr)
	c.hears()
	_, err := c.Write([]byte("HELO me\r\n"))
	require.NoError(t, err)
	assert.True(t, <-h.left)
}

// A Session that could not be made is none, whatever it is.
func TestNoSession(t *testing.T) {
	var leave func()
	c := &clerk{}
	tr := dial(testServer().New(BackendFunc(func(*Peer) (Session, error) {
		leave()
		return c, errors.New("no")
	})))
	leave = func() { tr.Loop().Call(tr.Abort) }
	tr.Receive("HELO me\r\n")
	assert.Empty(t, c.asked())
}
