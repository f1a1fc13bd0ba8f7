//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/socket"
	"github.com/torsion-go/torsion/protocol"
)

var (
	_ factory.DatagramNetwork = (*Reactor)(nil)
	_ factory.DatagramNetwork = tuned{}
)

// ListenDatagram binds a datagram port; see factory.DatagramNetwork. A stale file
// of a Unix socket is replaced, and removed at the end.
func (r *Reactor) ListenDatagram(network, addr string, p protocol.DatagramProtocol) (factory.Port, error) {
	return r.loop.OpenDatagram(network, addr, false, p, r.socket)
}

// ConnectDatagram opens a datagram port that has one peer; see
// factory.DatagramNetwork.
func (r *Reactor) ConnectDatagram(network, addr string, p protocol.DatagramProtocol) (factory.Port, error) {
	return r.loop.OpenDatagram(network, addr, true, p, r.socket)
}

func (t tuned) ListenDatagram(network, addr string, p protocol.DatagramProtocol) (factory.Port, error) {
	return t.loop.OpenDatagram(network, addr, false, p, t.socket)
}

func (t tuned) ConnectDatagram(network, addr string, p protocol.DatagramProtocol) (factory.Port, error) {
	return t.loop.OpenDatagram(network, addr, true, p, t.socket)
}

func (k *kernel) RecvDatagrams(fd int, ms []socket.Datagram) (int, syscall.Errno) {
	return k.io.RecvDatagrams(fd, ms)
}

func (k *kernel) SendDatagrams(fd int, ms []socket.Datagram) (int, syscall.Errno) {
	return k.io.SendDatagrams(fd, ms)
}

// A datagramConn is a *net.UDPConn or *net.UnixConn.
type datagramConn interface {
	Close() error
	LocalAddr() net.Addr
}

// OpenDatagram leaves addresses, names and dual stack to the standard library, and
// takes the socket from it.
func (k *kernel) OpenDatagram(network, addr string, connect bool, s factory.Socket) (loop.DatagramSocket, error) {
	op, open := "listen", listenDatagram
	if connect {
		op, open = "dial", dialDatagram
	}
	switch network {
	case "udp", "udp4", "udp6", "unixgram":
	default:
		return loop.DatagramSocket{}, &net.OpError{Op: op, Net: network, Err: net.UnknownNetworkError(network)}
	}
	path := s.LocalPath
	if !connect {
		path = addr
	}
	c, err := open(network, addr, s)
	if errors.Is(err, syscall.EADDRINUSE) && network == "unixgram" && removeStale(network, path) {
		c, err = open(network, addr, s)
	}
	if err != nil {
		if network == "unixgram" {
			removeLeft(err, s.LocalPath)
		}
		return loop.DatagramSocket{}, err
	}
	defer c.Close()
	fd, err := k.takeDatagram(c, network, path, s)
	if err != nil {
		return loop.DatagramSocket{}, &net.OpError{Op: op, Net: network, Addr: c.LocalAddr(), Err: err}
	}
	opened := loop.DatagramSocket{FD: fd, Family: familyOf(fd), Local: c.LocalAddr()}
	if connect {
		opened.Remote = c.(net.Conn).RemoteAddr()
	}
	return opened, nil
}

func listenDatagram(network, addr string, s factory.Socket) (datagramConn, error) {
	lc := net.ListenConfig{Control: func(network, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error { return tuneDatagram(fd, network, s, true) })
	}}
	return lc.ListenPacket(context.Background(), network, addr)
}

func dialDatagram(network, addr string, s factory.Socket) (datagramConn, error) {
	d := net.Dialer{Control: func(network, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error { return tuneDatagram(fd, network, s, false) })
	}}
	switch {
	case network == "unixgram" && s.LocalPath != "":
		d.LocalAddr = &net.UnixAddr{Net: network, Name: s.LocalPath}
	case network != "unixgram" && s.LocalAddr.IsValid():
		d.LocalAddr = net.UDPAddrFromAddrPort(s.LocalAddr)
	}
	return d.DialContext(context.Background(), network, addr)
}

// removeLeft removes the file of a Unix client that was bound and could not be
// connected.
func removeLeft(err error, path string) {
	if call, ok := errors.AsType[*os.SyscallError](err); ok && call.Syscall == "connect" {
		removeBound(path)
	}
}

// removeBound removes the file that a Unix socket was bound to, if it has a name.
func removeBound(path string) {
	if path != "" && path[0] != '@' {
		_ = os.Remove(path)
	}
}

// tuneDatagram sets a socket's options before it is bound. The standard library
// allows broadcasts.
func tuneDatagram(fd int, network string, s factory.Socket, listener bool) error {
	if err := tuneAny(fd, s, listener || s.ReusePort); err != nil {
		return err
	}
	if strings.HasPrefix(network, "udp") {
		o := options{fd: fd}
		o.broadcast(false)
		o.tuneMulticast(network)
		return o.err
	}
	if autobinds && !listener && s.LocalPath == "" { // or nobody could answer it
		return os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrUnix{}))
	}
	if s.UnixMode != 0 {
		_ = unix.Fchmod(fd, uint32(s.UnixMode.Perm())) // not all systems can; see tune
	}
	return nil
}

// takeDatagram takes the descriptor of a socket that is about to be closed, and
// remembers the file that it has at path, if any.
func (k *kernel) takeDatagram(c datagramConn, network, path string, s factory.Socket) (int, error) {
	fd, err := duplicate(c)
	if err != nil {
		if network == "unixgram" {
			removeBound(path)
		}
		return -1, err
	}
	if network == "unixgram" && path != "" {
		if err := k.own(fd, path, s); err != nil {
			closeAll(fd)
			return -1, err
		}
	}
	return fd, nil
}

// familyOf says to whom the socket can send. One that is bound to an address of
// IPv6, or connected, speaks nothing else.
func familyOf(fd int) socket.Family {
	sa, _ := unix.Getsockname(fd)
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return socket.IPv4
	case *unix.SockaddrInet6:
		only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		if err == nil && only == 0 && sa.Addr == [16]byte{} {
			return socket.Dual
		}
		return socket.IPv6
	}
	return socket.Unix
}
