package loop

import (
	"net"
	"os"
	"syscall"
	"unsafe"

	"github.com/torsion-go/torsion/protocol"
)

// Write queues a copy of p. Of the connection whose turn it is, it goes to the
// scratch buffer, which settle sends.
func (c *Conn) Write(p []byte) (int, error) {
	l := c.loop
	if debug || l.owner != c {
		l.check()
	}
	if c.noWrite != 0 {
		return c.refuse(p)
	}
	if l.owner == c && c.queue.size == 0 && len(p) < directWrite && len(l.scratch)+len(p) <= cap(l.scratch) {
		if n := len(l.scratch); len(p) > 0 && n < cap(l.scratch) && &l.scratch[:n+1][n] == unsafe.SliceData(p) {
			l.scratch = l.scratch[:n+len(p)] // it was written there, see AvailableBuffer
		} else {
			l.scratch = append(l.scratch, p...)
		}
		if c.list != onTouched {
			c.touch()
		}
		return len(p), nil
	}
	return c.writeMore(p)
}

// refuse answers a Write that nobody will see. After an error that
// ConnectionLost has not told yet it says nothing of it.
func (c *Conn) refuse(p []byte) (int, error) {
	if c.noWrite == failed {
		return len(p), nil
	}
	return 0, net.ErrClosed
}

// writeMore is Write where the scratch buffer will not do.
func (c *Conn) writeMore(p []byte) (int, error) {
	mine := c.loop.owner == c
	if c.queue.size == 0 && (mine || len(p) >= directWrite) {
		c.writeNow(p)
		return len(p), nil
	}
	if !c.admit(len(p)) {
		return 0, net.ErrClosed
	}
	c.queue.add(&c.loop.spare, p)
	c.queued()
	return len(p), nil
}

// writeNow sends the scratch buffer, if it is c's, and p from where it lies, and
// queues what the kernel did not take. It calls no user code: an error is kept
// for settle to tell.
func (c *Conn) writeNow(p []byte) {
	l := c.loop
	vec := l.vec[:0]
	var head []byte
	if l.owner == c && len(l.scratch) > 0 {
		head = l.scratch
		vec = append(vec, head)
		l.scratch = head[:0]
	}
	vec = append(vec, p)
	n := c.transmit(vec, len(head)+len(p))
	clear(vec)
	if c.noWrite == 0 {
		c.queue.add(&l.spare, head[min(n, len(head)):])
		c.queue.add(&l.spare, p[max(0, n-len(head)):])
	}
	c.queued()
}

// WriteShared queues a reference to p.
func (c *Conn) WriteShared(p []byte) (int, error) {
	l := c.loop
	l.check()
	switch {
	case c.noWrite != 0:
		return c.refuse(p)
	case len(p) == 0:
		c.touch()
		return 0, nil
	case !c.admit(len(p)):
		return 0, net.ErrClosed
	}
	if l.owner == c && len(l.scratch) > 0 {
		c.spill()
	}
	c.queue.share(p)
	c.queued()
	return len(p), nil
}

// AvailableBuffer lends the room behind what was written last.
func (c *Conn) AvailableBuffer() []byte {
	l := c.loop
	l.check()
	if l.owner == c && c.queue.size == 0 {
		return l.scratch[len(l.scratch):]
	}
	return nil
}

// spill moves the owner's output from the scratch buffer to its queue.
func (c *Conn) spill() {
	l := c.loop
	if c.noWrite&(failed|over) == 0 {
		c.queue.add(&l.spare, l.scratch)
		c.queued()
	}
	l.scratch = l.scratch[:0]
}

// admit counts bytes that somebody else's turn queues behind others. A peer that
// leaves too many of them is dropped, but not before it was offered what may only have
// waited for the bell. A single large write is not counted.
func (c *Conn) admit(n int) bool {
	if c.loop.owner == c || c.queue.size == 0 || c.opts.backlog < 0 {
		return true
	}
	if c.foreign+n > c.opts.backlog && c.facts&blocked == 0 {
		c.send()
	}
	first := c.foreign == 0 // of others; it may have any size
	if c.foreign += n; first || c.foreign <= c.opts.backlog {
		return true
	}
	c.loop.stats.SlowPeers++
	c.abort(protocol.ErrSlowPeer)
	return false
}

// queued follows what was queued: above the high-water mark reading stops at
// once, or the protocol that paces itself is told in settle.
func (c *Conn) queued() {
	if c.queue.size > c.opts.high && c.facts&aboveHigh == 0 {
		c.facts |= aboveHigh
		if !c.pacesItself() {
			c.noRead |= full
		}
	}
	c.touch()
}

func (c *Conn) pacesItself() bool {
	if c.rare != nil && c.rare.producer != nil {
		return true
	}
	return protocol.Paces(c.proto)
}

// send sends what c has written, as far as the kernel takes it.
func (c *Conn) send() {
	l := c.loop
	if l.owner == c && len(l.scratch) > 0 {
		p := l.scratch
		l.vec[0] = p
		n := c.transmit(l.vec[:1], len(p))
		l.scratch = p[:0]
		if n < len(p) && c.noWrite&failed == 0 {
			c.queue.add(&l.spare, p[n:])
			c.queued()
		}
		return
	}
	for c.queue.size > 0 && c.facts&blocked == 0 && c.noWrite&failed == 0 {
		if t := c.queue.first.file; t != nil {
			if !t.goOn() {
				return
			}
			continue
		}
		vec := c.queue.slices(l.vec[:])
		total := 0
		for _, p := range vec {
			total += len(p)
		}
		c.queue.drop(&l.spare, c.transmit(vec, total))
		clear(vec)
		c.foreign = min(c.foreign, c.queue.size)
	}
}

// transmit is the only place that sends. Less than everything means that there
// will be an Out event.
func (c *Conn) transmit(vec [][]byte, total int) int {
	l := c.loop
	n, e := l.kernel.Send(int(c.fd), vec)
	if e != 0 && e != syscall.EAGAIN {
		c.fail(os.NewSyscallError("send", e))
		return 0
	}
	c.sent += int64(n)
	l.stats.BytesWritten += int64(n)
	c.taken(n > 0, n == total)
	return n
}

// taken follows what the kernel took: some, or all, of what it was offered.
func (c *Conn) taken(some, all bool) {
	if all {
		c.facts &^= stuck
		if c.noRead&closing != 0 && c.rare != nil {
			c.rare.since = c.loop.now() // a producer is at work, or a file on its way
		}
		return
	}
	if some || c.facts&stuck == 0 {
		c.extra().since = c.loop.now()
	}
	c.facts |= blocked | stuck
	c.watch()
}

// pace tells those who wait for the output to go down or up.
func (c *Conn) pace() {
	if c.facts&aboveHigh != 0 {
		c.paceWriter()
	}
	if c.facts&attends != 0 {
		c.tellDrained()
		c.pull()
	}
}

// paceWriter pairs pauses and resumes. What was above the mark and below it
// again within one turn is not mentioned.
func (c *Conn) paceWriter() {
	low := c.queue.size <= c.opts.low
	switch {
	case !low && c.facts&toldPause == 0 && c.noRead&full == 0:
		c.facts |= toldPause
		c.tellWriter(true)
	case low:
		told := c.facts&toldPause != 0
		c.facts &^= aboveHigh | toldPause
		if told {
			c.tellWriter(false)
		} else if c.noRead&full != 0 {
			c.noRead &^= full
			c.readable()
		}
	}
}

// tellWriter tells the producer, if there is a streaming one, and the protocol.
func (c *Conn) tellWriter(pause bool) {
	if r := c.rare; r != nil && r.producer != nil && r.streaming {
		if pause {
			c.call("PauseProducing", r.producer.PauseProducing)
		} else {
			c.call("ResumeProducing", r.producer.ResumeProducing)
		}
	}
	if c.noRead&closing != 0 {
		return // it hears no more but the last
	}
	if w, ok := protocol.As[protocol.WritePauser](c.proto); ok {
		if pause {
			c.call("PauseWriting", w.PauseWriting)
		} else {
			c.call("ResumeWriting", w.ResumeWriting)
		}
	}
}
