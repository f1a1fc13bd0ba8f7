//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/socket"
)

// Resolve takes IP literals and paths; names are for Dial.
func (k *kernel) Resolve(network, addr string) (net.Addr, bool, error) {
	fail := func(err error) (net.Addr, bool, error) {
		return nil, false, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	switch network {
	case "unix":
		return &net.UnixAddr{Net: "unix", Name: addr}, true, nil
	case "tcp", "tcp4", "tcp6":
	default:
		return fail(net.UnknownNetworkError(network))
	}
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return fail(err)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil, false, nil
	}
	if is4 := ip.Unmap().Is4(); network == "tcp4" && !is4 || network == "tcp6" && is4 {
		return fail(&net.AddrError{Err: "address of another family", Addr: addr})
	}
	port, err := net.LookupPort(network, service)
	if err != nil {
		return fail(err)
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))), true, nil
}

// Connect begins to connect to a.
func (k *kernel) Connect(network string, a net.Addr, s factory.Socket) (int, string, syscall.Errno) {
	sa, family := socket.Sockaddr(a)
	fd, err := openSocket(family)
	if err != nil {
		return -1, "socket", errnoOf(err)
	}
	if err := k.prepare(fd, network, s); err != nil {
		closeAll(fd)
		return -1, "setsockopt", errnoOf(err)
	}
	if s.LocalAddr.IsValid() && family != unix.AF_UNIX {
		local, _ := socket.Sockaddr(net.TCPAddrFromAddrPort(s.LocalAddr))
		if err := unix.Bind(fd, local); err != nil {
			closeAll(fd)
			return -1, "bind", errnoOf(err)
		}
	}
	switch e := errnoOf(unix.Connect(fd, sa)); e {
	case 0, syscall.EINPROGRESS:
		return fd, "connect", e
	case syscall.EINTR:
		return fd, "connect", syscall.EINPROGRESS
	default:
		closeAll(fd)
		return -1, "connect", e
	}
}

// prepare tunes a client's socket. One that connects from a fixed port may do so
// again while the last connection is in TIME_WAIT.
func (k *kernel) prepare(fd int, network string, s factory.Socket) error {
	if s.LocalAddr.Port() != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
	}
	return tune(fd, network, s, false)
}

// Dial connects to a name: addresses, their order and the race between them are
// the standard library's.
func (k *kernel) Dial(ctx context.Context, network, addr string, s factory.Socket) (int, error) {
	d := net.Dialer{KeepAlive: -1, Control: func(network, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error { return k.prepare(fd, network, s) })
	}}
	d.SetMultipathTCP(false)
	if s.LocalAddr.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(s.LocalAddr)
	}
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return -1, err
	}
	defer c.Close()
	fd, err := duplicate(c)
	if err != nil {
		return -1, &net.OpError{Op: "dial", Net: network, Addr: c.RemoteAddr(), Err: err}
	}
	return fd, nil
}

func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e
	}
	return syscall.EINVAL
}
