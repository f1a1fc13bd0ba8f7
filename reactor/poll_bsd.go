//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package reactor

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/internal/loop"
)

// platform has the bell, a pipe, and the timer, which rings it. A descriptor is
// registered once, edge-triggered both ways, and stays so: pausing is the
// connection's own affair, and what it left unread when it resumes stands on
// the ready list.
type platform struct {
	pipe  [2]int
	timer *time.Timer
	start time.Time
	due   atomic.Bool
	ready []int
}

func newPoller() (p *poller, err error) {
	p = &poller{}
	if p.Poller, err = netpoll.OpenPoller(); err != nil {
		return nil, err
	}
	if err = unix.Pipe(p.pipe[:]); err != nil {
		_ = p.Poller.Close()
		return nil, os.NewSyscallError("pipe", err)
	}
	for _, fd := range p.pipe {
		unix.CloseOnExec(fd)
		if err = unix.SetNonblock(fd, true); err != nil {
			p.close()
			return nil, os.NewSyscallError("fcntl", err)
		}
	}
	if err = p.AddRead(&netpoll.PollAttachment{FD: p.pipe[0]}, true); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poller) startClock() { p.start = time.Now() }

func (p *poller) closePlatform() {
	if p.timer != nil {
		p.timer.Stop()
	}
	closeAll(p.pipe[0], p.pipe[1])
}

func (p *poller) dispatch(l *loop.Loop, fd int, ev netpoll.IOEvent, flags netpoll.IOFlags) {
	if fd != p.pipe[0] {
		l.Event(fd, eventOf(ev, flags))
		return
	}
	var buf [64]byte
	for {
		if n, err := unix.Read(fd, buf[:]); n < len(buf) || err != nil {
			break
		}
	}
	if p.due.Swap(false) {
		l.Due()
	}
	ready := p.ready
	p.ready = nil
	for _, fd := range ready {
		l.Event(fd, loop.In)
	}
	l.Bell()
}

func eventOf(ev netpoll.IOEvent, flags netpoll.IOFlags) (e loop.Event) {
	switch {
	case netpoll.IsReadEvent(ev):
		e = loop.In
		if flags&unix.EV_EOF != 0 {
			e |= loop.Fin
		}
	case netpoll.IsWriteEvent(ev):
		e = loop.Out
		if flags&unix.EV_EOF != 0 {
			e |= loop.Err
		}
	}
	return e
}

// ringBell writes to the pipe; a full one has been rung.
func (p *poller) ringBell() { _, _ = unix.Write(p.pipe[1], []byte{1}) }

func (p *poller) arm(at int64) {
	d := time.Duration(at) - time.Since(p.start)
	if p.timer == nil {
		p.timer = time.AfterFunc(d, func() { p.due.Store(true); p.ring() })
	} else {
		p.timer.Reset(d)
	}
}

func (p *poller) want(fd int, old, now loop.Interest) error {
	if old == loop.None {
		return p.AddReadWrite(&netpoll.PollAttachment{FD: fd}, true)
	}
	if now == loop.Read || now == loop.ReadWrite {
		p.again(fd)
	}
	return nil
}

// again reports fd once more: an edge that has been seen does not come back.
func (p *poller) again(fd int) {
	p.ready = append(p.ready, fd)
	p.ring()
}

// forget does nothing: kqueue forgets a descriptor that is closed.
func (p *poller) forget(int) {}
