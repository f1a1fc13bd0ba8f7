package loop

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// LoseConnection ends the connection when what was written has been delivered.
// A close(2) that finds unread input, or is followed by some, makes the kernel
// send a reset that destroys what the peer has not read yet. So we send our FIN
// first, and throw away what still comes until the peer's FIN or a timeout.
func (c *Conn) LoseConnection() {
	c.loop.check()
	if c.noRead&(closing|ended) != 0 {
		return
	}
	c.noRead |= closing
	c.noMoreWrites()
	if c.facts&stuck != 0 || c.noWrite&noMore == 0 {
		c.extra().losing = c.loop.now()
		c.watch()
	}
	c.touch()
}

// Losing reports whether LoseConnection holds: a test's peer answers that.
func (c *Conn) Losing() bool { return c.noRead&(closing|ended) == closing }

// CloseWrite sends our FIN behind what was written; reading goes on.
func (c *Conn) CloseWrite() {
	c.loop.check()
	if c.noRead&(closing|ended) != 0 || c.facts&halfClosing != 0 {
		return
	}
	c.facts |= halfClosing
	c.noMoreWrites()
	c.touch()
}

// noMoreWrites refuses further writes unless a producer is still at work.
func (c *Conn) noMoreWrites() {
	if c.rare == nil || c.rare.producer == nil {
		c.noWrite |= noMore
	}
}

// Abort ends the connection now.
func (c *Conn) Abort() {
	c.loop.check()
	c.abort(protocol.ErrConnectionAborted)
}

// abort ends it with a reset.
func (c *Conn) abort(err error) {
	if c.noRead&ended == 0 {
		c.facts |= reset
		c.end(err)
	}
}

// end marks c as ended; settle tells it.
func (c *Conn) end(err error) {
	if c.noRead&ended == 0 {
		c.noRead |= ended
		c.noWrite |= over
		c.markEnding(err)
	}
}

// fail keeps the first error of writing. What the peer may have said before it
// broke the connection is still read when settle comes to c.
func (c *Conn) fail(err error) {
	if c.noWrite&(failed|over) == 0 {
		c.noWrite |= failed
		c.markEnding(err)
	}
}

func (c *Conn) markEnding(err error) {
	if c.err == nil {
		c.err = err
	}
	l := c.loop
	if l.owner == c {
		l.scratch = l.scratch[:0]
	}
	c.queue.clear(&l.spare)
	l.ending = append(l.ending, c)
}

// lost is the only place that closes and says goodbye.
func (c *Conn) lost() {
	if c.facts&told != 0 || c.lent() {
		return
	}
	if c.noRead == 0 {
		c.lastWords()
	}
	c.facts |= told
	l := c.loop
	c.noRead |= ended
	c.noWrite |= over
	c.list = onNone
	c.stopTimers()
	if c.opts.local == nil && c.local == nil {
		c.findLocal()
	}
	l.release(int(c.fd), c.facts&reset != 0)
	l.conns.Add(-1)
	reason := c.reason()
	c.logEnd(reason)
	l.leaving = c
	c.tellRare(reason)
	c.farewell(reason)
}

// farewell is the last that is heard of c.
func (c *Conn) farewell(reason error) {
	c.loop.leaving = nil
	c.call("ConnectionLost", func() { c.proto.ConnectionLost(reason) })
	c.proto, c.flusher = nil, nil
	if c.opts.client != nil {
		c.opts.client.disconnected(reason)
	}
	c.loop.checkIdle()
}

// logEnd says why the connection has ended. Nobody else may hear it: a layer that
// refuses a peer has no protocol yet.
func (c *Conn) logEnd(reason error) {
	if log := c.loop.Logger(); log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("connection ended", "peer", c.peer, "protocol", protocol.NameOf(c.proto), "reason", reason)
	}
}

// lastWords reads once more from a connection that cannot be written to: the
// reply that explains the close.
func (c *Conn) lastWords() {
	l := c.loop
	if c.facts&resumeOwed != 0 { // what it was to hear before
		c.facts &^= resumeOwed
		if c.resume(); c.noRead != 0 {
			return
		}
	}
	if n, _ := l.kernel.Recv(int(c.fd), l.read); n > 0 {
		l.stats.BytesRead += int64(n)
		c.deliver(l.read[:n])
	}
}

// reason is what ConnectionLost is told.
func (c *Conn) reason() error {
	err := c.err
	if c.rare != nil && c.rare.reason != nil {
		err = c.rare.reason
	}
	if c.loop.stopping.Load() {
		err = fmt.Errorf("%w: %w", protocol.ErrShutdown, err)
	}
	return err
}

// finish ends our side, or the connection, once nothing is left to be sent.
func (c *Conn) finish() {
	lose := c.noRead&closing != 0
	switch {
	case c.noRead&ended != 0, !lose && c.facts&halfClosing == 0:
		return
	case c.queue.size > 0, c.rare != nil && c.rare.producer != nil:
		return
	case lose && c.noRead&eof != 0:
		c.done() // close(2) sends the FIN
		return
	}
	if c.facts&finSent == 0 {
		c.facts |= finSent
		c.extra().finAt = c.loop.now()
		c.loop.kernel.CloseWrite(int(c.fd))
	}
	switch {
	case c.noRead&eof != 0, lose && c.opts.lingering < 0:
		c.done()
	case lose:
		c.watch()
	}
}

// done ends a connection on which all that was written has been taken. Whoever is
// still to be told so, in a later turn, is told before.
func (c *Conn) done() {
	if c.rare != nil {
		c.tellPassed()
	}
	c.end(protocol.ErrConnectionDone)
}

// watch has the timer look at c when the next time limit is reached. One timer
// serves all of them, and is made when the first is needed.
func (c *Conn) watch() {
	at, _ := c.deadline()
	if at == math.MaxInt64 {
		return
	}
	r := c.extra()
	switch {
	case r.watch == nil:
		r.watch = &timer{loop: c.loop, conn: c, f: c.watched}
		r.watch.set(at)
	case r.watch.slot == 0 || at < r.watch.at:
		r.watch.move(at)
	}
}

// watched ends the connection if a time limit has been reached. The kernel says
// that output fits only when a good part of its buffer is free, which may take a
// slow peer minutes; so before it is given up, it is tried. Where a worker tries,
// expire is called when it is back.
func (c *Conn) watched() {
	if at, _ := c.deadline(); c.facts&blocked != 0 && at <= c.loop.now() {
		c.facts &^= blocked
		c.send()
		c.touch()
	}
	c.expire()
}

// expire ends the connection if its time is up.
func (c *Conn) expire() {
	at, err := c.deadline()
	switch {
	case c.noWrite&(failed|over) != 0:
	case at > c.loop.now():
		c.watch()
	case err == protocol.ErrConnectionDone:
		c.end(err)
	default:
		if err == protocol.ErrSlowPeer {
			c.loop.stats.SlowPeers++
		}
		c.abort(err)
	}
}

// deadline is when c's patience with the peer ends, and with which reason.
func (c *Conn) deadline() (at int64, err error) {
	r, lose := c.extra(), c.noRead&closing != 0
	at = math.MaxInt64
	switch {
	case c.facts&blocked != 0:
		at, err = limit(r.since, c.opts.slow), protocol.ErrSlowPeer
		if t := limit(max(r.since, r.losing), c.opts.closing); lose && t < at {
			at, err = t, protocol.ErrCloseTimeout
		}
	case lose && r.producer != nil: // it has to go on, or to say that it is done
		at, err = limit(max(r.since, r.losing), c.opts.closing), protocol.ErrCloseTimeout
	case lose && c.facts&finSent != 0:
		at, err = limit(r.finAt, c.opts.lingering), protocol.ErrConnectionDone
	}
	return at, err
}

// limit is d after since; a negative d is never.
func limit(since int64, d time.Duration) int64 {
	if d < 0 {
		return math.MaxInt64
	}
	return after(since, d)
}
