package protocol

import (
	"errors"
	"io"
	"os"
	"sync"
)

// A FileReader reads a part of a file for somebody on a loop who cannot wait for
// a disk: the loop's [Worker] reads, one chunk ahead of what was taken. It is what
// a [FileSender] that cannot leave the file to the kernel is made of. It belongs
// to the loop.
//
//	func (g *gate) pump() {
//		for g.open {
//			chunk, err := g.file.Next()
//			if chunk == nil {
//				break // for now, when pump is called again, or for good
//			}
//			...
//		}
//	}
type FileReader struct {
	loop  Loop
	ready func()
	f     *os.File
	off   int64
	left  int64 // not read yet; negative: all there is

	ahead   *[fileChunk]byte // read, if n is not 0
	n       int
	err     error            // what is behind ahead
	lent    *[fileChunk]byte // what Next returned last
	reading bool             // a worker has a buffer
	wanted  bool             // Next had nothing: ready is due
	closed  bool
}

// fileChunk is how many bytes a worker reads at a time.
const fileChunk = 128 << 10

var fileChunks = sync.Pool{New: func() any { return new([fileChunk]byte) }}

// NewFileReader returns a reader of n bytes of f from the offset off on, of all up
// to its end if n is negative. It does nothing before the first Next.
func NewFileReader(l Loop, f *os.File, off, n int64, ready func()) *FileReader {
	return &FileReader{loop: l, ready: ready, f: f, off: off, left: n}
}

// Next returns the next bytes, which are the caller's until he calls Next or Close
// again. Without bytes and without an error they are still being read: ready is
// called, in an event of its own, when Next has an answer.
//
// The error is io.EOF behind the last byte, io.ErrUnexpectedEOF (errors.Is) if the
// file has fewer than it should, that of reading, ErrStopped if the loop has
// stopped or errors.ErrUnsupported if it is no Worker.
func (r *FileReader) Next() (chunk []byte, err error) {
	r.giveBack()
	if !r.reading && r.n == 0 && r.err == nil && !r.closed {
		r.read()
	}
	switch {
	case r.closed:
		return nil, os.ErrClosed
	case r.reading:
		r.wanted = true
		return nil, nil
	case r.n == 0:
		return nil, r.err
	}
	r.lent, r.ahead = r.ahead, nil
	chunk = r.lent[:r.n]
	if r.n = 0; r.err == nil {
		r.read()
	}
	return chunk, nil
}

// Close ends the reading: ready is not called any more. The file stays the
// caller's, who may close it at once.
func (r *FileReader) Close() {
	r.closed = true
	r.giveBack()
	if !r.reading && r.ahead != nil {
		fileChunks.Put(r.ahead)
		r.ahead = nil
	}
}

func (r *FileReader) giveBack() {
	if r.lent != nil {
		fileChunks.Put(r.lent)
		r.lent = nil
	}
}

// read has a worker read the next chunk.
func (r *FileReader) read() {
	if r.left == 0 {
		r.err = io.EOF
		return
	}
	w, ok := r.loop.(Worker)
	if !ok {
		r.err = errors.ErrUnsupported
		return
	}
	r.ahead = fileChunks.Get().(*[fileChunk]byte)
	size := int64(len(r.ahead))
	if r.left > 0 {
		size = min(size, r.left)
	}
	r.reading = true
	p, off := r.ahead[:size], r.off
	err := w.Work(func() {
		n, err := r.f.ReadAt(p, off)
		_ = r.loop.Call(func() { r.arrived(n, err) }) // a loop that has stopped wants nothing
	})
	if err != nil {
		r.reading, r.err = false, err
	}
}

// arrived takes what the worker has read.
func (r *FileReader) arrived(n int, err error) {
	r.reading = false
	if r.closed {
		r.Close()
		return
	}
	r.n, r.err = n, err
	r.off += int64(n)
	if r.left > 0 {
		if r.left -= int64(n); r.left == 0 {
			r.err = io.EOF
		} else if err == io.EOF {
			r.err = &os.PathError{Op: "read", Path: r.f.Name(), Err: io.ErrUnexpectedEOF}
		}
	}
	if r.wanted {
		r.wanted = false
		r.ready()
	}
}
