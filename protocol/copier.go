package protocol

import (
	"errors"
	"io"
	"net"
	"os"
)

// A FileCopier is the SendFile of a layer that changes bytes: it reads files by a
// [FileReader] and sends them by the layer's own Write, a chunk each time that the
// last one was taken. Its zero value is ready.
//
//	func (r *rot13) SendFile(f *os.File, off, n int64, done func(sent int64, err error)) {
//		r.files.SendFile(r, f, off, n, done)
//	}
//
// It is a producer of the layer, so LoseConnection and CloseWrite wait for all
// files, and there can be no other: done is told [ErrProducer]. Files keep their
// order, and follow what was written before them. What is written while they are on
// their way overtakes the rest of them; who cannot have that waits for done.
type FileCopier struct {
	t          Transport
	files      []*copied // the first is on its way
	registered bool
	refused    bool // by a connection that takes no more
	asked      bool // the next chunk may go
	forget     func()
	err        error // of a file
}

// copied is a file of a FileCopier.
type copied struct {
	reader *FileReader
	sent   int64 // taken
	moving int64 // written, and perhaps not yet taken
	done   func(sent int64, err error)
}

// SendFile is that of t, which is the layer itself; see [FileSender]. What done is
// told may be a chunk less than what was sent if the connection ends first.
func (c *FileCopier) SendFile(t Transport, f *os.File, off, n int64, done func(sent int64, err error)) {
	c.t = t
	if !c.registered {
		if err := c.register(); err != nil {
			later(t.Loop(), func() { done(0, err) })
			return
		}
	}
	c.files = append(c.files, &copied{reader: NewFileReader(t.Loop(), f, off, n, c.pump), done: done})
}

func (c *FileCopier) register() error {
	r, ok := As[ProducerRegistry](c.t)
	if !ok {
		return errors.ErrUnsupported
	}
	c.refused = false
	if err := r.RegisterProducer((*copying)(c), false); err != nil {
		return err
	}
	if c.refused {
		return net.ErrClosed
	}
	c.registered, c.forget = true, func() {}
	if n, ok := As[Notifier](c.t); ok {
		c.forget = n.Ended(c.ended)
	}
	return nil
}

// later calls f in an event of its own, or at once when the loop has stopped and
// there is none any more.
func later(l Loop, f func()) {
	if l.Call(f) != nil {
		f()
	}
}

// copying is the producer of a FileCopier.
type copying FileCopier

// ResumeProducing is told when all that was written has been taken.
func (p *copying) ResumeProducing() {
	c := (*FileCopier)(p)
	if len(c.files) > 0 {
		now := c.files[0]
		now.sent, now.moving = now.sent+now.moving, 0
	}
	c.asked = true
	c.pump()
}

// PauseProducing is nothing that a pull producer hears.
func (p *copying) PauseProducing() {}

// StopProducing is told when the connection takes no more. The reason follows.
func (p *copying) StopProducing() { p.refused, p.registered, p.asked = true, false, false }

// pump writes the next chunk if it is there and may go. What comes to its end
// makes room for the next.
func (c *FileCopier) pump() {
	for c.asked && len(c.files) > 0 {
		now := c.files[0]
		chunk, err := now.reader.Next()
		switch {
		case err == io.EOF:
			c.files = c.files[1:]
			now.reader.Close()
			now.done(now.sent, nil)
		case err != nil:
			c.fail(err)
		case chunk == nil:
			return
		default:
			c.asked = false
			now.moving = int64(len(chunk))
			c.t.Write(chunk)
		}
	}
	if c.asked && c.registered {
		c.unregister()
	}
}

func (c *FileCopier) unregister() {
	c.registered, c.asked, c.files = false, false, nil
	c.forget()
	if r, ok := As[ProducerRegistry](c.t); ok {
		r.UnregisterProducer()
	}
}

// fail ends the connection: who waits for the rest of a file would take something
// else for it.
func (c *FileCopier) fail(err error) {
	c.asked, c.err = false, err
	if n, ok := As[Notifier](c.t); ok {
		n.SetReason(err)
	}
	c.t.Abort()
}

// ended tells those whose files will not arrive.
func (c *FileCopier) ended(reason error) {
	if c.err != nil {
		reason = c.err
	}
	for len(c.files) > 0 {
		now := c.files[0]
		c.files = c.files[1:]
		now.reader.Close()
		now.done(now.sent, reason)
	}
}
