package reactor

import (
	"math"
	"os"
	"syscall"
	"unsafe"

	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/internal/loop"
)

// platform has the bell, an eventfd, and the timer, a timerfd. Both are
// registered edge-triggered, so they need never be read.
type platform struct {
	bell, timer int
	zero        int64 // CLOCK_MONOTONIC when the loop's Nanos was 0
	attachment  netpoll.PollAttachment
}

func newPoller() (p *poller, err error) {
	p = &poller{}
	if p.Poller, err = netpoll.OpenPoller(); err != nil {
		return nil, err
	}
	if p.bell, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		_ = p.Poller.Close()
		return nil, os.NewSyscallError("eventfd", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		closeAll(p.bell)
		_ = p.Poller.Close()
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	for _, fd := range []int{p.bell, p.timer} {
		if err = p.AddRead(&netpoll.PollAttachment{FD: fd}, true); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

// startClock is called when the loop's Nanos is about 0, or a little more.
func (p *poller) startClock() {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // the clock exists
	p.zero = ts.Nano()
}

func (p *poller) closePlatform() { closeAll(p.bell, p.timer) }

func (p *poller) dispatch(l *loop.Loop, fd int, ev netpoll.IOEvent, _ netpoll.IOFlags) {
	switch fd {
	case p.bell:
		l.Bell()
	case p.timer:
		l.Due()
	default:
		l.Event(fd, eventOf(ev))
	}
}

func eventOf(ev netpoll.IOEvent) (e loop.Event) {
	if ev&(unix.EPOLLIN|unix.EPOLLPRI|unix.EPOLLRDHUP) != 0 {
		e |= loop.In
	}
	if ev&unix.EPOLLOUT != 0 {
		e |= loop.Out
	}
	if ev&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		e |= loop.Err
	}
	return e
}

var one = [8]byte{1}

// ringBell adds to the eventfd. It cannot fail but when 2^64-2 rings have added
// up, and even that would be heard.
func (p *poller) ringBell() {
	_, _, _ = syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.bell), uintptr(unsafe.Pointer(&one)), 8)
}

// arm sets the timer to a moment of the loop's Nanos.
func (p *poller) arm(at int64) {
	spec := unix.ItimerSpec{}
	if at > math.MaxInt64-p.zero {
		at = math.MaxInt64 - p.zero
	}
	spec.Value = unix.NsecToTimespec(p.zero + at)
	_ = unix.TimerfdSettime(p.timer, unix.TFD_TIMER_ABSTIME, &spec, nil) // the arguments are right
}

// want changes the events of fd. Pausing with epoll: a descriptor that was deleted
// never hears of a reset; one that stays level-triggered reports the input that
// waits for ever. Edge-triggered for output, it reports once when the peer has
// ended or reset, or has taken what we sent.
func (p *poller) want(fd int, old, now loop.Interest) error {
	a := &p.attachment
	a.FD = fd
	switch {
	case old == loop.None && now == loop.Quiet:
		return p.AddWrite(a, true)
	case old == loop.None:
		return p.AddRead(a, false)
	case now == loop.Quiet:
		if err := p.Delete(fd); err != nil {
			return err
		}
		return p.AddWrite(a, true)
	case now == loop.Read:
		return p.ModRead(a, false)
	default:
		return p.ModReadWrite(a, false)
	}
}

// again is not needed: input is level-triggered.
func (p *poller) again(int) {}

// forget is for descriptors that others share, so that closing ours does not
// take them out of the poller.
func (p *poller) forget(fd int) {
	_ = p.Delete(fd) // it may never have been in it
}
