package loop

import "sync"

// A presence is where a port is: not on the loop yet, there, or closed. It may be closed
// from any goroutine.
type presence struct {
	mu     sync.Mutex
	closed bool
	onLoop bool
}

// arrive is for the loop, which registers the port unless it was closed before.
func (p *presence) arrive() (open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onLoop = !p.closed
	return p.onLoop
}

// leaveEarly closes what has not got to the loop yet, and reports whether that was so.
func (p *presence) leaveEarly() (early bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	early = !p.onLoop && !p.closed
	p.closed = p.closed || early
	return early
}

// leave closes it, and reports whether it was open.
func (p *presence) leave() (was bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was = !p.closed
	p.closed = true
	return was
}

func (p *presence) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}
