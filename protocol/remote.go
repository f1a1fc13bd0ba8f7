package protocol

import (
	"context"
	"net"
	"sync"
)

// A Remote is one connection as other goroutines use it. It stays valid for
// ever; after the connection's end its methods answer [net.ErrClosed].
type Remote struct {
	t             Transport
	loop          Loop
	local, remote net.Addr
	limit         int
	post          func() // move, bound once

	mu      sync.Mutex
	pending []byte // written here, not yet on the loop; a call is posted while there is any
	moving  int    // bytes handed to t that the kernel has not taken yet
	closed  bool
}

// NewRemote makes a Remote of t. It belongs to the loop, as t does; hand the
// result to the goroutines.
func NewRemote(t Transport) *Remote {
	r := &Remote{t: t, loop: t.Loop(), local: t.LocalAddr(), remote: t.RemoteAddr(), limit: 1 << 20}
	r.post = r.move
	if b, ok := As[interface{ MaxBacklog() int }](t); ok {
		r.limit = b.MaxBacklog()
	}
	if n, ok := As[Notifier](t); ok {
		n.Ended(func(error) { r.close() })
	}
	return r
}

// Write queues a copy of p behind what this and other goroutines wrote before.
// The error is [ErrSlowPeer] if the peer has more than MaxBacklog to take
// already: then nothing of p is queued, and the caller may try later (see
// Flush) or give up. A p of any size goes through when nothing waits.
func (r *Remote) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting := len(r.pending) + r.moving
	switch {
	case r.closed:
		return 0, net.ErrClosed
	case len(p) == 0:
		return 0, nil
	case r.limit >= 0 && waiting > 0 && waiting+len(p) > r.limit:
		return 0, ErrSlowPeer
	case len(r.pending) == 0 && r.loop.Call(r.post) != nil:
		return 0, net.ErrClosed
	}
	r.pending = append(r.pending, p...)
	return len(p), nil
}

// move runs on the loop and writes what is pending.
func (r *Remote) move() {
	r.mu.Lock()
	p, size := r.pending, len(r.pending)
	r.pending = nil
	r.moving += size
	r.mu.Unlock()
	if _, err := r.t.Write(p); err != nil {
		r.close()
		return
	}
	r.reuse(p)
	if n, ok := As[Notifier](r.t); ok {
		n.Drained(func(error) { r.moved(size) }) // keeps no p
		return
	}
	r.moved(size)
}

// reuse has the next writes go where p was, unless that is much to keep.
func (r *Remote) reuse(p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending == nil && !r.closed && cap(p) <= 1<<10 {
		r.pending = p[:0]
	}
}

func (r *Remote) moved(n int) {
	r.mu.Lock()
	r.moving -= n
	r.mu.Unlock()
}

func (r *Remote) close() {
	r.mu.Lock()
	r.closed, r.pending = true, nil
	r.mu.Unlock()
}

// Flush waits until the kernel has taken all that was written before. The error
// is the reason if the connection ended first, or that of ctx. It is for other
// goroutines, as Ask is: where it might wait for ever it panics (see MayWait).
func (r *Remote) Flush(ctx context.Context) error {
	if !MayWait(r.loop) {
		panic("protocol: Remote.Flush on the loop itself, or on another of its pool: use Notifier.Drained")
	}
	done := make(chan error, 1)
	err := r.loop.Call(func() {
		if n, ok := As[Notifier](r.t); ok {
			n.Drained(func(err error) { done <- err })
		} else {
			done <- nil
		}
	})
	if err != nil {
		return net.ErrClosed
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// LoseConnection delivers what was written and ends the connection.
func (r *Remote) LoseConnection() { r.end(r.t.LoseConnection) }

// Abort ends the connection now and drops what was written.
func (r *Remote) Abort() { r.end(r.t.Abort) }

// end posts f behind the writes. That the loop has stopped, and so has closed
// the connection, is no error here.
func (r *Remote) end(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = r.loop.Call(f) == nil || r.closed // after the end f does nothing
}

// LocalAddr returns the address on our side.
func (r *Remote) LocalAddr() net.Addr { return r.local }

// RemoteAddr returns the peer's address.
func (r *Remote) RemoteAddr() net.Addr { return r.remote }
