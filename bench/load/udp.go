package main

import (
	"encoding/binary"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// UDP: every socket has depth datagrams on the way. Those that have come back, by one recvmmsg, are
// sent again by one sendmmsg. What is not back after lostAfter is lost, counted, and sent anew. An op
// is a datagram.

const lostAfter = 200e6 // ns

type mmsghdr struct {
	unix.Msghdr
	n uint32
}

// A datagram is on the way since start, 0 if it is not. Its number and its place are its first bytes.
type datagram struct {
	start  int64
	number uint32
	out    []byte
}

type udpSocket struct {
	fd    int32
	slots []datagram
	due   []int // slots to be sent
	in    []mmsghdr
	out   []mmsghdr
	bufs  [][]byte // what in receives into
}

func runUDP() {
	ss := make([]*udpSocket, *nconns)
	for i := range ss {
		ss[i] = newUDPSocket()
		watch(ss[i].fd, int32(i))
	}
	start(float64(*nconns * *depth))
	now := nanos()
	for checked := now; running(now); {
		for _, s := range ss {
			s.send(now)
		}
		evs := poll()
		now = nanos()
		for _, e := range evs {
			ss[e.Fd].receive(now)
		}
		if now-checked > lostAfter/4 {
			checked = now
			for _, s := range ss {
				s.look(now)
			}
		}
	}
}

func newUDPSocket() *udpSocket {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	check(err)
	check(unix.Connect(fd, &unix.SockaddrInet4{Port: *port, Addr: [4]byte{127, 0, 0, 1}}))
	s := &udpSocket{fd: int32(fd), slots: make([]datagram, *depth), in: make([]mmsghdr, *depth), out: make([]mmsghdr, *depth)}
	fill := strings.Repeat("datagram", *size/8+1)
	for i := range s.slots {
		s.slots[i].out = []byte(fill[:*size])
		s.bufs = append(s.bufs, make([]byte, *size+1)) // one more, to see that nothing grows
		s.in[i].point(s.bufs[i])
		s.due = append(s.due, i)
	}
	return s
}

func (m *mmsghdr) point(b []byte) {
	v := &unix.Iovec{Base: &b[0]}
	v.SetLen(len(b))
	m.Iov, m.Iovlen = v, 1
}

// send sends what is due.
func (s *udpSocket) send(now int64) {
	if len(s.due) == 0 {
		return
	}
	for k, i := range s.due {
		d := &s.slots[i]
		d.number++
		d.start = now
		binary.BigEndian.PutUint32(d.out, d.number)
		binary.BigEndian.PutUint32(d.out[4:], uint32(i))
		s.out[k].point(d.out)
	}
	n := mmsg(unix.SYS_SENDMMSG, s.fd, s.out[:len(s.due)])
	if n == again {
		return
	}
	if n < 0 {
		fail("sendmmsg: errno %d", -n)
	}
	s.due = s.due[:copy(s.due, s.due[n:])]
}

func (s *udpSocket) receive(now int64) {
	n := mmsg(unix.SYS_RECVMMSG, s.fd, s.in)
	if n == again {
		return
	}
	if n < 0 {
		fail("recvmmsg: errno %d", -n)
	}
	for k := range n {
		s.take(s.bufs[k][:s.in[k].n], now)
	}
}

func (s *udpSocket) take(b []byte, now int64) {
	if len(b) != *size {
		fail("a datagram of %d bytes", len(b))
	}
	number, i := binary.BigEndian.Uint32(b), int(binary.BigEndian.Uint32(b[4:]))
	if i >= len(s.slots) || number > s.slots[i].number {
		fail("datagram %d in place %d was never sent", number, i)
	}
	d := &s.slots[i]
	if number < d.number || d.start == 0 {
		return // it was given up
	}
	if *verify && string(b) != string(d.out) {
		fail("content: got %q, want %q", b, d.out)
	}
	if d.start >= begin && begin > 0 {
		cur.lat.add(now - d.start)
	}
	cur.ops++
	d.start = 0
	s.due = append(s.due, i)
}

// look gives up what was lost.
func (s *udpSocket) look(now int64) {
	for i := range s.slots {
		if d := &s.slots[i]; d.start > 0 && now-d.start > lostAfter {
			cur.lost++
			d.start = 0
			s.due = append(s.due, i)
		}
	}
}

// mmsg is one sendmmsg or recvmmsg; it returns the number of datagrams.
func mmsg(trap uintptr, fd int32, ms []mmsghdr) int {
	r, _, e := syscall.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&ms[0])), uintptr(len(ms)), unix.MSG_DONTWAIT, 0, 0)
	if e != 0 {
		return -int(e)
	}
	return int(r)
}
