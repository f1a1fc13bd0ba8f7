//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"sync"

	"github.com/panjf2000/gnet/v2/pkg/errors"
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/internal/loop"
)

// A poller is netpoll's, with what it lacks: a bell that is a descriptor like any
// other (netpoll's own Trigger keeps no order and starves sockets), a timer, and
// the interests of a loop. This is the only file that knows netpoll, but for
// those that differ by system.
type poller struct {
	*netpoll.Poller
	platform

	mu     sync.Mutex // between a ring and the close
	closed bool
}

// poll reports events to l until it has finished.
func (p *poller) poll(l *loop.Loop) error {
	return p.Polling(func(fd int, ev netpoll.IOEvent, flags netpoll.IOFlags) error {
		p.dispatch(l, fd, ev, flags)
		if l.Finished() {
			return errors.ErrEngineShutdown
		}
		return nil
	})
}

// ring has the loop hear the bell. It may be called from any goroutine.
func (p *poller) ring() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.ringBell()
	}
}

func (p *poller) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.closePlatform()
		_ = p.Poller.Close() // nothing is left in it
	}
}

func closeAll(fds ...int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
