//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/factory"
)

// ErrNoDescriptor is the answer to adopting a conn or listener that is no socket
// of the system, such as a *tls.Conn or one end of net.Pipe.
var ErrNoDescriptor = errors.New("reactor: it has no descriptor of its own")

// Listen leaves addresses, names of services and dual stack to the standard
// library, and takes the socket from it.
func (k *kernel) Listen(network, addr string, s factory.Socket) (int, net.Addr, error) {
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		return -1, nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	lc := net.ListenConfig{KeepAlive: -1, Control: func(network, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error { return tune(fd, network, s, true) })
	}}
	lc.SetMultipathTCP(false) // its sockets are slower, and unlike others
	l, err := lc.Listen(context.Background(), network, addr)
	if errors.Is(err, syscall.EADDRINUSE) && network == "unix" && removeStale(network, addr) {
		l, err = lc.Listen(context.Background(), network, addr)
	}
	if err != nil {
		return -1, nil, err
	}
	defer l.Close()
	return k.take(l, network, addr, s)
}

// take takes the descriptor of a listener that is about to be closed.
func (k *kernel) take(l net.Listener, network, addr string, s factory.Socket) (int, net.Addr, error) {
	fail := func(err error) (int, net.Addr, error) {
		return -1, nil, &net.OpError{Op: "listen", Net: network, Addr: l.Addr(), Err: err}
	}
	fd, err := duplicate(l)
	if err != nil {
		return fail(err)
	}
	if s.Backlog > 0 {
		if err := unix.Listen(fd, s.Backlog); err != nil {
			closeAll(fd)
			return fail(os.NewSyscallError("listen", err))
		}
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // the file is ours, like the duplicate
		if err := k.own(fd, addr, s); err != nil {
			closeAll(fd)
			return fail(err)
		}
	}
	return fd, l.Addr(), nil
}

// takeOver takes the descriptor of a listener that others may have too, and closes it.
func (k *kernel) takeOver(l net.Listener) (int, net.Addr, error) {
	fd, err := duplicate(l)
	if err != nil {
		return -1, nil, err
	}
	k.mark(fd, mark{shared: true})
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // others may go on listening there
	}
	_ = l.Close() // our duplicate goes on
	return fd, l.Addr(), nil
}

// shareAddress lets other sockets listen on the address of fd, from now on.
func shareAddress(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// own sets the permissions of a Unix socket's file and remembers it, to remove it
// in the end, or now if it fails. Before, they were not wider (see tune). An abstract
// name has no file.
func (k *kernel) own(fd int, path string, s factory.Socket) (err error) {
	if strings.HasPrefix(path, "@") {
		return nil
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	if s.UnixMode != 0 {
		if err := os.Chmod(path, s.UnixMode); err != nil {
			return err
		}
	}
	file, err := os.Lstat(path)
	if err != nil {
		return err
	}
	k.mark(fd, mark{path: path, file: file})
	return nil
}

// removeStale removes the file of a Unix socket that nobody listens on any more.
func removeStale(network, path string) bool {
	file, err := os.Lstat(path)
	if err != nil || file.Mode()&os.ModeSocket == 0 {
		return false
	}
	c, err := net.DialTimeout(network, path, time.Second)
	if err == nil {
		_ = c.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) && os.Remove(path) == nil
}

// duplicate returns a descriptor of our own for what c has. Not File, which would
// make it block for both.
func duplicate(c any) (fd int, err error) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return -1, ErrNoDescriptor
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return -1, err
	}
	err = control(raw, func(old int) (err error) {
		fd, err = unix.FcntlInt(uintptr(old), unix.F_DUPFD_CLOEXEC, 0)
		return os.NewSyscallError("fcntl", err)
	})
	return fd, err
}

// control runs f on the descriptor of c.
func control(c syscall.RawConn, f func(fd int) error) (err error) {
	if e := c.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil {
		return e
	}
	return err
}
