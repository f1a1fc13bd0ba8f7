package loop

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/torsion-go/torsion/protocol"
)

// fileTurn is how many bytes a worker sends of a file before others have their turn.
const fileTurn = 4 << 20

// A transfer is a file in the output of a connection. The kernel takes its bytes
// from the file itself, and may have to wait for a disk. So a worker asks it to,
// which has the descriptor meanwhile: the loop goes on reading from it, but sends
// nothing and does not close it before the worker is back. Files that the kernel
// cannot send are read by workers and sent as everything else is.
type transfer struct {
	conn *Conn
	file *os.File
	off  int64
	left int64 // bytes to be sent; negative: all there are
	sent int64
	done func(sent int64, err error)
	err  error // of the file

	// A worker's, between goOn and back.
	state atomic.Int32
	took  int64
	e     syscall.Errno
	end   bool // of the file
	room  bool // the loop's: while the worker was away the kernel had room

	// When the file is read.
	reader *protocol.FileReader // or nil
	chunk  []byte               // of reader, not sent yet
}

// Where a transfer is. The worker begins, the loop does all else.
const (
	here    = iota
	waiting // for a worker
	away    // with one
)

// SendFile queues a part of f.
func (c *Conn) SendFile(f *os.File, off, n int64, done func(sent int64, err error)) {
	c.loop.check()
	t := &transfer{conn: c, file: f, off: off, left: n, done: done}
	switch {
	case c.noWrite == failed: // ConnectionLost is about to tell
	case c.noWrite != 0, !c.admit(protocol.FileWeight):
		c.later(func() { done(0, net.ErrClosed) })
		return
	default:
		if c.loop.owner == c && len(c.loop.scratch) > 0 {
			c.spill()
		}
		c.queue.file(t)
		c.queued()
	}
	c.mark("SendFile", t.over)
}

// over tells what came of it.
func (t *transfer) over(err error) {
	if t.reader != nil {
		t.reader.Close()
	}
	if err != nil && t.err != nil {
		err = t.err
	}
	t.done(t.sent, err)
}

// goOn sends more of the file, which is first in the queue, or has a worker do it.
// It reports whether there is something for the loop to do.
func (t *transfer) goOn() bool {
	switch {
	case t.left == 0:
		t.finish()
		return true
	case t.reader != nil:
		return t.sendChunk()
	case t.state.Load() == here:
		t.lend()
	}
	return false
}

// finish is called when the last byte has been sent.
func (t *transfer) finish() {
	c := t.conn
	c.queue.dropFile()
	c.sent += protocol.FileWeight
	c.foreign = min(c.foreign, c.queue.size)
}

// fail ends the connection: the peer would take what follows for the file.
func (t *transfer) fail(err error) {
	t.err = err
	t.conn.abort(err)
}

// lend has a worker go on.
func (t *transfer) lend() {
	c := t.conn
	t.room = false
	t.state.Store(waiting)
	c.loop.away.Add(1)
	if err := c.loop.Work(t.run); err != nil {
		c.loop.away.Done()
		t.state.Store(here)
		t.fail(err)
		return
	}
	c.rare.away = t
}

// lent reports whether a worker has c's descriptor. Then the end waits for it.
func (c *Conn) lent() bool {
	if c.rare == nil || c.rare.away == nil || c.rare.away.recall() {
		return false
	}
	if c.noRead&ended != 0 {
		c.stopTimers() // nothing more is heard
	}
	return true
}

// recall takes t back and reports whether it could: no worker has begun.
func (t *transfer) recall() bool {
	if !t.state.CompareAndSwap(waiting, here) {
		return false
	}
	t.conn.rare.away = nil
	t.conn.loop.away.Done()
	return true
}

// run is the worker's part.
func (t *transfer) run() {
	if !t.state.CompareAndSwap(waiting, away) {
		return
	}
	l := t.conn.loop
	defer l.away.Done()
	defer func() { _ = l.Call(t.back) }()      // the loop does not stop before
	t.took, t.end, t.e = 0, false, syscall.EIO // unless SendFile returns
	for t.took < fileTurn && t.took != t.left {
		n := fileTurn - t.took
		if t.left > 0 {
			n = min(n, t.left-t.took)
		}
		n, e := l.kernel.SendFile(int(t.conn.fd), t.file, t.off+t.took, n)
		if t.took += n; n == 0 {
			t.e, t.end = e, e == 0
			return
		}
	}
	t.e = 0
}

// back is called on the loop when the worker has finished.
func (t *transfer) back() {
	c := t.conn
	t.state.Store(here)
	c.rare.away = nil
	c.loop.stats.BytesWritten += t.took
	t.sent += t.took
	t.off += t.took
	if t.left > 0 {
		t.left -= t.took
	}
	if c.noWrite&(failed|over) != 0 {
		c.loop.ending = append(c.loop.ending, c) // it was waiting for this
		return
	}
	c.touch()
	if t.e == syscall.EAGAIN && !t.room {
		c.taken(t.took > 0, false)
		c.expire()
		return
	}
	if t.took > 0 {
		c.taken(true, true)
	}
	t.judge()
}

// judge acts on what the worker found besides a peer that takes no more.
func (t *transfer) judge() {
	c := t.conn
	switch {
	case t.end && t.left < 0:
		t.left = 0
	case t.end:
		t.fail(&os.PathError{Op: "sendfile", Path: t.file.Name(), Err: io.ErrUnexpectedEOF})
	case t.e == 0, t.e == syscall.EAGAIN: // it goes on
	case t.e == syscall.ENOSYS, t.e == syscall.EOPNOTSUPP, t.e == syscall.EINVAL, t.e == syscall.EBADF:
		t.reader = protocol.NewFileReader(c.loop, t.file, t.off, t.left, c.touch)
	default:
		c.facts |= reset // the peer must not take what it got for all
		c.fail(os.NewSyscallError("sendfile", t.e))
	}
}

// sendChunk sends what was read, and reports whether there is more to do.
func (t *transfer) sendChunk() bool {
	c := t.conn
	if len(t.chunk) == 0 {
		chunk, err := t.reader.Next()
		switch {
		case err == io.EOF:
			t.left = 0
		case err != nil:
			t.fail(err)
		}
		t.chunk = chunk
		return chunk != nil || t.left == 0
	}
	l := c.loop
	l.vec[0] = t.chunk
	n := c.transmit(l.vec[:1], len(t.chunk))
	l.vec[0] = nil
	c.sent -= int64(n) // a file counts when it is through
	t.sent += int64(n)
	t.chunk = t.chunk[n:]
	return true
}
