package loop

import (
	"cmp"
	"net"
	runtimedebug "runtime/debug"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// enter is called before any call into user code: of c, or else of whom. It
// makes c the owner and returns the owner before.
func (l *Loop) enter(c *Conn, what string, whom any) (prev *Conn) {
	prev = l.owner
	if prev != c && len(l.scratch) > 0 {
		prev.spill()
	}
	if whom == nil && c != nil {
		whom = c.proto
	}
	l.owner, l.what, l.whom = c, what, whom
	if l.dog != nil {
		l.dog.enter(l)
	}
	return prev
}

// leave is deferred right behind enter. A panic ends the connection whose code
// it was, or is logged; the loop goes on.
func (l *Loop) leave(c, prev *Conn) {
	if v := recover(); v != nil {
		l.panicked(c, v)
	}
	if l.owner != prev && len(l.scratch) > 0 {
		l.owner.spill()
	}
	l.owner = prev
	if l.dog != nil {
		l.dog.leave()
	}
}

// panicked logs a panic, with what else is known about it, and ends c if there is one.
func (l *Loop) panicked(c *Conn, v any, about ...any) {
	l.stats.Panics++
	err := &protocol.PanicError{Value: v, Stack: runtimedebug.Stack()}
	if c != nil {
		about = append(about, "peer", c.peer)
	}
	about = append(about, "stack", string(err.Stack))
	l.Logger().Error("panic in a callback", append([]any{"in", l.running(), "panic", v}, about...)...)
	if c != nil {
		c.abort(err)
	}
}

// running names the callback that runs, or ran last.
func (l *Loop) running() string {
	return "(" + protocol.NameOf(l.whom) + ")." + l.what
}

// call calls a callback of c's that is not a hot one.
func (c *Conn) call(what string, f func()) {
	prev := c.loop.enter(c, what, nil)
	defer c.loop.leave(c, prev)
	f()
}

func (c *Conn) made() { c.call("ConnectionMade", func() { protocol.Connect(c.proto, c) }) }

// flush calls the one callback that comes with every settle.
func (c *Conn) flush() {
	prev := c.loop.enter(c, "Flush", nil)
	defer c.loop.leave(c, prev)
	c.flusher.Flush()
}

// build asks the factory, and what it has built. What panics refuses the connection.
func (c *Conn) build(f factory.Factory) (p protocol.Protocol, err error) {
	err = protocol.ErrRefused
	prev := c.loop.enter(c, "BuildProtocol", f)
	defer c.loop.leave(c, prev)
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, &protocol.PanicError{Value: v, Stack: runtimedebug.Stack()}
			c.loop.panicked(nil, v)
		}
		if p == nil { // also if it ended the goroutine
			c.loop.kernel.Close(int(c.fd), false)
			c.loop.stats.Refused++
		}
	}()
	p = f.BuildProtocol(peerOf(c.peer))
	if p == nil {
		if r, ok := protocol.As[factory.Refuser](f); ok {
			err = cmp.Or(r.WhyRefused(peerOf(c.peer)), err)
		}
		return nil, err
	}
	// A nil pointer to what has others above it panics here, and not where nobody recovers it.
	c.flusher, _ = protocol.As[protocol.Flusher](p)
	_ = protocol.NameOf(p)
	return p, err
}

// peerOf spares factories a nil.
func peerOf(a net.Addr) net.Addr {
	if a == nil {
		return &net.UnixAddr{Net: "unix"}
	}
	return a
}

// call calls a callback of nobody's connection: logged if it panics.
func (l *Loop) call(what string, whom any, f func()) {
	prev := l.enter(nil, what, whom)
	defer l.leave(nil, prev)
	f()
}
