//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package reactor

import (
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/socket"
)

// A kernel is the real one, as a loop sees it.
type kernel struct {
	*poller
	io    socket.IO
	start time.Time
	spare int // a descriptor to give up when there is no other; -1 if there is none

	mu     sync.Mutex
	marked map[int]mark // descriptors that need more than close(2)
}

// A mark is what a descriptor needs when it is closed.
type mark struct {
	shared bool        // others have it too
	path   string      // of a Unix socket, to be removed
	file   fs.FileInfo // the file that it was
}

var _ loop.Kernel = (*kernel)(nil)

func newKernel() (*kernel, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	k := &kernel{poller: p, start: time.Now(), spare: -1, marked: make(map[int]mark)}
	p.startClock()
	k.reserve()
	return k, nil
}

// close gives back what the kernel holds itself.
func (k *kernel) close() {
	k.poller.close()
	if k.spare >= 0 {
		closeAll(k.spare)
	}
}

func (k *kernel) Now() time.Time { return time.Now() }

// Nanos counts from 1.
func (k *kernel) Nanos() int64 { return int64(time.Since(k.start)) + 1 }

func (k *kernel) Wake()        { k.ring() }
func (k *kernel) Arm(at int64) { k.arm(at) }
func (k *kernel) Again(fd int) { k.again(fd) }

func (k *kernel) Want(fd int, old, now loop.Interest) error { return k.want(fd, old, now) }

func (k *kernel) Recv(fd int, p []byte) (int, syscall.Errno)    { return k.io.Recv(fd, p) }
func (k *kernel) Send(fd int, ps [][]byte) (int, syscall.Errno) { return k.io.Send(fd, ps) }

// SendFile asks nobody for the file's descriptor who would make it block, or could
// close it meanwhile. What is wrong with a file that has none reading will say.
func (k *kernel) SendFile(fd int, f *os.File, off, n int64) (sent int64, e syscall.Errno) {
	c, err := f.SyscallConn()
	if err == nil {
		err = c.Control(func(in uintptr) { sent, e = socket.SendFile(fd, int(in), off, n) })
	}
	if err != nil {
		return 0, syscall.EBADF
	}
	return sent, e
}

func (k *kernel) CloseWrite(fd int) { _ = unix.Shutdown(fd, unix.SHUT_WR) } // reading will tell

// Close closes fd. A reset is a close that lingers for no time.
func (k *kernel) Close(fd int, reset bool) {
	if reset {
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	k.mu.Lock()
	m, special := k.marked[fd]
	delete(k.marked, fd)
	k.mu.Unlock()
	if special {
		k.closeMarked(fd, m)
	}
	closeAll(fd)
}

func (k *kernel) closeMarked(fd int, m mark) {
	if m.shared {
		k.forget(fd)
	}
	if m.path != "" {
		if now, err := os.Lstat(m.path); err == nil && os.SameFile(now, m.file) {
			_ = os.Remove(m.path) // it is ours, and does nothing any more
		}
	}
}

func (k *kernel) mark(fd int, m mark) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.marked[fd] = m
}

func (k *kernel) shared(fd int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.marked[fd].shared
}

func (k *kernel) Err(fd int) syscall.Errno {
	e, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		e, _ := err.(syscall.Errno)
		return e
	}
	return syscall.Errno(e)
}

func (k *kernel) Peer(fd int) (net.Addr, bool) {
	sa, err := unix.Getpeername(fd)
	if err != nil {
		return nil, false
	}
	return socket.AddrOf(sa), true
}

func (k *kernel) Local(fd int) net.Addr { return k.io.Local(fd) }

func (k *kernel) Accept(fd int) (int, net.Addr, syscall.Errno) {
	return k.io.Accept(fd, k.shared(fd))
}

// reserve opens the descriptor that Shed gives up.
func (k *kernel) reserve() {
	if k.spare < 0 {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			k.spare = fd
		}
	}
}

// Shed accepts those who wait with the reserve descriptor's number and closes
// them at once, so that they do not wait for a server that cannot serve them.
// Another goroutine may snatch the number; then nobody is turned away this time.
func (k *kernel) Shed(fd int) (n int) {
	if k.reserve(); k.spare < 0 {
		return 0
	}
	closeAll(k.spare)
	k.spare = -1
	for ; n < 1024; n++ {
		conn, _, e := k.Accept(fd)
		if e != 0 {
			break
		}
		k.Close(conn, true)
	}
	k.reserve()
	return n
}
