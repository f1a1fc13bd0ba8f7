package ftp

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// While a worker writes, more is read, up to so much; and so it is while he writes that.
func TestUploadIsReadWhileItIsWritten(t *testing.T) {
	w := newWorld(t)
	d := w.storing()
	in := w.channel.conn
	var reading []bool // at each write
	w.files.hook = map[string]func(){"write": func() { reading = append(reading, in.Reading()) }}
	chunk := make([]byte, maxPending)
	w.on(func() {
		in.DataReceived(chunk)
		assert.True(t, in.Reading(), "a worker has it all")
		in.DataReceived(chunk[1:])
		assert.True(t, in.Reading())
		in.DataReceived(chunk[:1])
		assert.False(t, in.Reading())
	})
	assert.Equal(t, []bool{false, true}, reading)
	assert.True(t, in.Reading())
	w.on(d.LoseConnection)
	w.hears(complete + "\r\n")
	got, _ := w.files.get("/b")
	assert.Len(t, got, len("begin")+2*maxPending)
}
