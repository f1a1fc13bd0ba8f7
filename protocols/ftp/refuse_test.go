package ftp

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
)

// A refused upload ends with the reply and a FIN. Its client may go on sending, for a
// while, and the session goes on with others. What ends in any other way is reset.
func TestRefusedUploadsAreNotReset(t *testing.T) {
	inWorlds(t, map[string]func(w *world){
		"what still comes is thrown away": func(w *world) {
			d := w.refused()
			for range 100 {
				w.on(func() { d.Write([]byte(strings.Repeat("x", 100_000))) })
			}
			assert.NoError(w, d.reason)
			w.on(d.LoseConnection)
			assert.ErrorIs(w, d.reason, protocol.ErrConnectionDone)
			w.hears("")
		},
		"but not for ever": func(w *world) {
			d := w.refused()
			w.Advance(refusalTime - time.Second)
			w.on(func() { d.Write([]byte("more")) })
			assert.NoError(w, d.reason)
			w.Advance(time.Second)
			w.on(func() { d.Write([]byte("more")) })
			assert.Error(w, d.reason)
		},
		"and not of two": func(w *world) {
			first := w.refused()
			second := w.refused()
			assert.Error(w, first.reason)
			assert.NoError(w, second.reason)
		},
		"who has gone is forgotten": func(w *world) {
			d := w.refused()
			w.on(d.Abort)
			assert.Nil(w, w.channel.refused)
		},
		"the session goes on": func(w *world) {
			old := w.refused()
			d := w.dial(clientIP, w.passive())
			w.says("RETR a", opened, complete)
			assert.Equal(w, "hello", d.heard.String())
			assert.NoError(w, old.reason)
		},
	})
}

// refused is an upload to a disk that is full, whose client has more to send.
func (w *world) refused() *end {
	w.Helper()
	w.files.fails("write", syscall.ENOSPC)
	d := w.storing()
	w.hears("452 Insufficient storage space\r\n")
	assert.True(w, d.eof)
	return d
}
