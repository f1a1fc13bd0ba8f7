package loop

import (
	"os"
	"syscall"

	"github.com/torsion-go/torsion/protocol"
)

// ready is the turn of a connection's event. It may have been meant for the
// descriptor's previous owner, so nothing is believed before the socket has
// been asked.
func (c *Conn) ready(ev Event) {
	l := c.loop
	l.begin(c)
	if ev&Fin != 0 {
		c.facts |= finSeen
	}
	if ev&Out != 0 {
		c.room()
	}
	switch {
	case !c.wantsInput():
		if ev&Err != 0 {
			c.askError()
		}
		c.setWant(Quiet) // else input that waits would be reported for ever
	case ev&(In|Err) != 0:
		c.receive()
	}
	l.end()
}

// room is called when the kernel may have room for output. A worker may just have
// been told that there is none.
func (c *Conn) room() {
	if c.facts&blocked != 0 {
		c.facts &^= blocked
		c.touch()
	} else if c.rare != nil && c.rare.away != nil {
		c.rare.away.room = true
	}
}

// receive takes what one read gives.
func (c *Conn) receive() {
	l := c.loop
	n, e := l.kernel.Recv(int(c.fd), l.read)
	switch {
	case n > 0:
		l.stats.BytesRead += int64(n)
		if n == len(l.read) || c.facts&finSeen != 0 {
			l.kernel.Again(int(c.fd))
		}
		if c.noRead == 0 {
			c.deliver(l.read[:n])
		}
	case e == syscall.EAGAIN: // the event was stale
	case e != 0:
		c.end(os.NewSyscallError("recv", e))
	default:
		c.endOfStream()
	}
}

// deliver lends data to the protocol.
func (c *Conn) deliver(data []byte) {
	prev := c.loop.enter(c, "DataReceived", nil)
	defer c.loop.leave(c, prev)
	c.proto.DataReceived(data)
	if debug {
		for i := range data {
			data[i] = 0xdb // whoever kept it shall see
		}
	}
}

// endOfStream handles the peer's FIN: what is owed to it is still sent.
func (c *Conn) endOfStream() {
	c.noRead |= eof
	c.touch()
	if c.noRead&closing != 0 {
		return
	}
	keep := false
	if r, ok := protocol.As[protocol.EOFReceiver](c.proto); ok {
		c.call("EOFReceived", func() { keep = r.EOFReceived() })
	}
	if !keep {
		c.LoseConnection()
	}
}

// askError looks into an error or hang-up event on a connection that does not
// read. With no error on the socket it means that both halves are shut, and what
// has arrived can still be read later, or that the event is stale; or else the
// connection was reset and somebody took the error.
func (c *Conn) askError() {
	k := c.loop.kernel
	if e := k.Err(int(c.fd)); e != 0 {
		c.end(os.NewSyscallError("recv", e))
		return
	}
	if c.facts&finSent != 0 {
		return
	}
	if _, ok := k.Peer(int(c.fd)); !ok {
		c.end(os.NewSyscallError("recv", syscall.ECONNRESET))
	}
}

// PauseReading stops DataReceived at once.
func (c *Conn) PauseReading() {
	c.loop.check()
	if c.noRead&(closing|ended) == 0 {
		c.noRead |= paused
	}
}

// ResumeReading ends it; what follows comes in a later turn.
func (c *Conn) ResumeReading() {
	c.loop.check()
	if c.noRead&paused != 0 {
		c.noRead &^= paused
		c.readable()
	}
}

// SuspendReading stops DataReceived at once, until resume is called.
func (c *Conn) SuspendReading() (resume func()) {
	c.loop.check()
	if c.noRead&(closing|ended) != 0 {
		return func() {}
	}
	r := c.extra()
	r.suspends++
	c.noRead |= suspended
	over := false
	return func() {
		c.loop.check()
		if over {
			return
		}
		over = true
		if r.suspends--; r.suspends == 0 {
			c.noRead &^= suspended
			c.readable()
		}
	}
}

// Reading reports whether input is wanted.
func (c *Conn) Reading() bool { return c.noRead == 0 }

// readable is called when a reason not to read is gone.
func (c *Conn) readable() {
	if c.noRead != 0 {
		return
	}
	_, told := protocol.As[protocol.ReadResumer](c.proto)
	if told || c.rare != nil && c.rare.head != nil {
		c.owe(resumeOwed)
	} else {
		c.touch() // settle arranges for input
	}
}

// owe puts c on the list of those that get a turn when this one has ended.
func (c *Conn) owe(what uint16) {
	if c.facts&owed == 0 {
		c.loop.later = append(c.loop.later, c)
	}
	c.facts |= owed | what
}

// runOwed is the turn that was owed. Nothing is read from the socket before.
func (c *Conn) runOwed() {
	facts := c.facts
	c.facts &^= owed | resumeOwed | pullOwed
	if c.noRead&ended != 0 {
		return
	}
	c.loop.begin(c)
	if facts&resumeOwed != 0 && c.noRead == 0 {
		c.resume()
	}
	if r := c.rare; facts&pullOwed != 0 && r.producer != nil && c.queue.size == 0 {
		r.pulledAt = c.sent
		c.call("ResumeProducing", r.producer.ResumeProducing)
	}
	c.touch()
	c.loop.end()
}

// resume hands up the head of an adopted connection, or says that reading goes on.
func (c *Conn) resume() {
	if r := c.rare; r != nil && r.head != nil {
		head := r.head
		r.head = nil
		c.deliver(head)
	} else if r, ok := protocol.As[protocol.ReadResumer](c.proto); ok {
		c.call("ReadResumed", r.ReadResumed)
	}
}
