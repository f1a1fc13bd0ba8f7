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
		o.set("TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if s.OOBInline {
		o.set("SO_OOBINLINE", unix.SOL_SOCKET, unix.SO_OOBINLINE, 1)
	}
	if idle := s.KeepAlive; idle >= 0 {
		if idle == 0 {
			idle = 15 * time.Second
		}
		seconds := int((idle + time.Second - 1) / time.Second)
		o.set("SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		o.set("TCP_KEEPIDLE", unix.IPPROTO_TCP, keepIdle, seconds)
		o.set("TCP_KEEPINTVL", unix.IPPROTO_TCP, keepInterval, seconds)
	}
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
