package loop

import (
	"unsafe"

	"github.com/torsion-go/torsion/protocol"
)

const (
	chunkSize = 4 << 10
	maxSpare  = 512 // chunks that a loop keeps: 2 MiB
)

// A queue holds the output of a connection that the kernel has not taken: owned
// chunks, which are filled to their capacity, shared ones, which refer to bytes
// that never change, and files.
type queue struct {
	first, last *chunk
	size        int // in bytes, a file as protocol.FileWeight
}

type chunk struct {
	next   *chunk
	data   []byte           // not taken yet
	file   *transfer        // instead of data
	shared bool             // it has no room of its own
	room   *[chunkSize]byte // of an owned chunk; kept while it is spare
}

// chunks are those that no queue uses, the last one used first.
type chunks struct {
	first *chunk
	n     int
}

func (s *chunks) get() *chunk {
	c := s.first
	if c == nil {
		c = &chunk{room: new([chunkSize]byte)}
	} else {
		s.first, c.next = c.next, nil
		s.n--
	}
	c.data = c.room[:0]
	return c
}

func (s *chunks) put(c *chunk) {
	if c.shared || s.n == maxSpare {
		return
	}
	c.data = nil
	c.next, s.first = s.first, c
	s.n++
}

func (q *queue) link(c *chunk) {
	if q.last == nil {
		q.first = c
	} else {
		q.last.next = c
	}
	q.last = c
}

// add copies p behind the rest.
func (q *queue) add(s *chunks, p []byte) {
	q.size += len(p)
	for len(p) > 0 {
		if q.last == nil || q.last.shared || len(q.last.data) == cap(q.last.data) {
			q.link(s.get())
		}
		c := q.last
		n := min(len(p), cap(c.data)-len(c.data))
		c.data = append(c.data, p[:n]...)
		p = p[n:]
	}
}

// share puts a reference to p behind the rest, or lengthens the last one if p
// follows it in memory.
func (q *queue) share(p []byte) {
	q.size += len(p)
	if c := q.last; c != nil && c.shared && follows(c.data, p) {
		c.data = c.data[:len(c.data)+len(p)]
		return
	}
	q.link(&chunk{data: p, shared: true})
}

// follows reports whether p begins where a ends, in the same allocation.
func follows(a, p []byte) bool {
	return cap(a) > len(a) && cap(a) >= len(a)+len(p) &&
		unsafe.SliceData(a[:len(a)+1][len(a):]) == unsafe.SliceData(p)
}

// file puts a file behind the rest.
func (q *queue) file(t *transfer) {
	q.size += protocol.FileWeight
	q.link(&chunk{file: t, shared: true})
}

// slices puts what comes first, up to the next file, into vec and returns how much
// of it it used.
func (q *queue) slices(vec [][]byte) [][]byte {
	n := 0
	for c := q.first; c != nil && c.file == nil && n < len(vec); c = c.next {
		vec[n] = c.data
		n++
	}
	return vec[:n]
}

// drop forgets the first n bytes, which are of no file.
func (q *queue) drop(s *chunks, n int) {
	q.size -= n
	for n > 0 {
		c := q.first
		if n < len(c.data) {
			c.data = c.data[n:]
			return
		}
		n -= len(c.data)
		q.unlink()
		s.put(c)
	}
}

// dropFile forgets the file that is first.
func (q *queue) dropFile() {
	q.size -= protocol.FileWeight
	q.unlink()
}

func (q *queue) unlink() {
	if q.first = q.first.next; q.first == nil {
		q.last = nil
	}
}

func (q *queue) clear(s *chunks) {
	for c := q.first; c != nil; c = q.first {
		q.unlink()
		s.put(c)
	}
	q.size = 0
}
