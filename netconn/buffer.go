package netconn

import (
	"bytes"
	"sync"
)

// buffers are those that nobody uses: a connection has one only while there is
// something in it. It is a cache, which nobody can tell from an empty one.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// room returns an empty buffer.
func room() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

// release gives b back, whatever is in it, if there is one. It returns nil, for
// the place that b had.
func release(b *bytes.Buffer) *bytes.Buffer {
	if b != nil && b.Cap() <= 4*full {
		b.Reset()
		buffers.Put(b)
	}
	return nil
}
