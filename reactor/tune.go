//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/factory"
)

// tune sets a socket's options before it is bound. Accepted sockets inherit them
// from the listener.
func tune(fd int, network string, s factory.Socket, listener bool) error {
	if err := tuneAny(fd, s, listener); err != nil {
		return err
	}
	if strings.HasPrefix(network, "tcp") {
		return tuneTCP(fd, s)
	}
	if listener && s.UnixMode != 0 {
		// The file gets no more than these permissions when it is bound; chmod
		// gives it those that the umask took.
		_ = unix.Fchmod(fd, uint32(s.UnixMode.Perm())) // not all systems can
	}
	return nil
}

func tuneAny(fd int, s factory.Socket, listener bool) error {
	o := options{fd: fd}
	if s.ReadBuffer > 0 {
		o.set("SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, s.ReadBuffer)
	}
	if s.WriteBuffer > 0 {
		o.set("SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, s.WriteBuffer)
	}
	if listener && s.ReusePort {
		o.set("SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	return o.err
}

func tuneTCP(fd int, s factory.Socket) error {
	o := options{fd: fd}
	if !s.Delay {
		o.noDelay(true)
	}
	if s.OOBInline {
		o.oobInline(true)
	}
	if s.KeepAlive >= 0 {
		o.keepAlive(s.KeepAlive)
	}
	return o.err
}

// SetNoDelay has the small packets of a connection leave at once, or not.
func (k *kernel) SetNoDelay(fd int, on bool) error {
	o := options{fd: fd}
	o.noDelay(on)
	return o.err
}

// SetKeepAlive probes a peer that is silent for so long.
func (k *kernel) SetKeepAlive(fd int, idle time.Duration) error {
	o := options{fd: fd}
	o.keepAlive(idle)
	return o.err
}

// SetOOBInline leaves urgent data in the stream, or not.
func (k *kernel) SetOOBInline(fd int, on bool) error {
	o := options{fd: fd}
	o.oobInline(on)
	return o.err
}

// options sets one after the other until one fails.
type options struct {
	fd  int
	err error
}

func (o *options) set(name string, level, option, value int) {
	if o.err == nil {
		o.err = os.NewSyscallError("setsockopt "+name, unix.SetsockoptInt(o.fd, level, option, value))
	}
}

func (o *options) noDelay(on bool) {
	o.set("TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, number(on))
}

func (o *options) oobInline(on bool) {
	o.set("SO_OOBINLINE", unix.SOL_SOCKET, unix.SO_OOBINLINE, number(on))
}

// keepAlive sets the time in seconds, rounded up.
func (o *options) keepAlive(idle time.Duration) {
	o.set("SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, number(idle >= 0))
	if idle < 0 {
		return
	}
	if idle == 0 {
		idle = 15 * time.Second
	}
	o.keepIdle(int((idle + time.Second - 1) / time.Second))
}

func number(on bool) int {
	if on {
		return 1
	}
	return 0
}
