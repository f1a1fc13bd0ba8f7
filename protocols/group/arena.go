package group

const (
	firstChunk = 4 << 10
	fullChunk  = 64 << 10
)

// An arena is memory for messages, which never change once they stand there:
// transports keep references to them.
//
// They stand one behind the other, and each slice handed out keeps the capacity
// of what follows. So a transport whose peer is behind sees that the next message
// continues the last one in memory, and has one entry in its queue instead of
// many (see [protocol.SharedWriter]). A full chunk is left to the garbage
// collector, which frees it when the slowest reader is through. Chunks begin
// small, because most groups say little, and grow to 64 KiB.
type arena struct {
	chunk []byte
}

// join copies the parts, one behind the other, and returns them as one message.
func (a *arena) join(parts [][]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n > fullChunk/4 {
		return appendAll(make([]byte, 0, n), parts) // the chunk's rest is not wasted for this one
	}
	if n > cap(a.chunk)-len(a.chunk) {
		a.chunk = make([]byte, 0, a.nextSize(n))
	}
	start := len(a.chunk)
	a.chunk = appendAll(a.chunk, parts)
	return a.chunk[start:]
}

func (a *arena) nextSize(n int) int {
	size := min(max(2*cap(a.chunk), firstChunk), fullChunk)
	for size < n {
		size *= 2
	}
	return size
}

func appendAll(dst []byte, parts [][]byte) []byte {
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}
