package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls go through RawSyscall: every descriptor is non-blocking and every
// epoll_wait has timeout 0, so there is nothing for the Go scheduler to do around them.

func recv(fd int32, b []byte) int {
	if s := over(fd); s != nil {
		return s.recv(b)
	}
	return recvRaw(fd, b)
}

func send(fd int32, b []byte) int {
	if s := over(fd); s != nil {
		return s.send(b)
	}
	return sendRaw(fd, b)
}

func recvRaw(fd int32, b []byte) int {
	r, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
	if e != 0 {
		return -int(e)
	}
	return int(r)
}

func sendRaw(fd int32, b []byte) int {
	r, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if e != 0 {
		return -int(e)
	}
	return int(r)
}

const again = -int(syscall.EAGAIN)

var epfd int
var events [1024]unix.EpollEvent
var patience int // of poll, in ms

// poll is one epoll_wait. It also keeps the books of idle time: the share of the measured
// time in which the generator had nothing to do, that is, in which the SERVER was the bottleneck.
func poll() []unix.EpollEvent {
	r, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_WAIT, uintptr(epfd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(patience), 0, 0)
	if e != 0 {
		return nil
	}
	idle(r == 0)
	return events[:r]
}

var idleSince, idleTotal int64

func idle(now bool) {
	if now == (idleSince != 0) {
		return
	}
	t := nanos()
	if now {
		idleSince = t
	} else {
		idleTotal += t - idleSince
		idleSince = 0
	}
}

var epoch = time.Now()

func nanos() int64 { return int64(time.Since(epoch)) + 1 }

func watch(fd int32, data int32) {
	check(unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{Events: unix.EPOLLIN, Fd: data}))
}

func dial(port int) (int32, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	// Close with RST: no TIME_WAIT, so the ports do not run out.
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	if err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	if *version != "" {
		shake(int32(fd))
	}
	return int32(fd), nil
}

// connect opens n connections, in groups small enough for any listen backlog. After each group
// it calls greet, which must return only when the server has answered (or accepted) the group.
func connect(port, n int, greet func(fds []int32, from int)) []int32 {
	fds := make([]int32, 0, n)
	for len(fds) < n {
		from := len(fds)
		for len(fds) < n && len(fds)-from < 32 {
			fd, err := dial(port)
			check(err)
			watch(fd, int32(len(fds)))
			fds = append(fds, fd)
		}
		greet(fds, from)
	}
	return fds
}

func num(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, a ...any) {
	fmt.Fprintf(os.Stderr, "load: "+format+"\n", a...)
	os.Exit(1)
}
