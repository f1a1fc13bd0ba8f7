package ftp

import (
	"context"
	"net"
	"sync"
	"time"
)

// A guard ends what is done over a connection when its context ends: the transfer at
// once, and the connection if there is none, or if the server does not say in a while
// that it is over. There is no ABOR: servers disagree about how many replies it has.
type guard struct {
	cause  func() error // why the context has ended; nil while it has not
	raw    net.Conn
	within time.Duration

	mu    sync.Mutex
	data  *stream
	timer *time.Timer
	ended bool // the context has
	cut   bool // raw is closed
	over  bool // nothing is done any more
	stop  func() bool
}

func newGuard(ctx context.Context, raw net.Conn, within time.Duration) *guard {
	g := &guard{cause: func() error { return context.Cause(ctx) }, raw: raw, within: within}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stop = context.AfterFunc(ctx, g.end)
	return g
}

// watch has data end too. It reports false if that has been done.
func (g *guard) watch(data *stream) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.data = data
	if g.ended {
		_ = data.abort()
	}
	return !g.ended
}

func (g *guard) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return
	}
	g.ended = true
	if g.data == nil {
		g.cutOff()
		return
	}
	_ = g.data.abort()
	if g.within >= 0 {
		g.timer = time.AfterFunc(g.within, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.cutOff()
		})
	}
}

// cutOff needs mu.
func (g *guard) cutOff() {
	if !g.over {
		g.cut = true
		_ = g.raw.Close()
	}
}

// release is for the end. It reports whether the connection is still there.
func (g *guard) release() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	g.stop()
	if g.timer != nil {
		g.timer.Stop()
	}
	return !g.cut
}
