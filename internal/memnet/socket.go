package memnet

import (
	"io"
	"net"
	"os"
	"syscall"

	"github.com/torsion-go/torsion/internal/loop"
)

// A socket is one end of a connection, a listener, or an attempt that failed.
type socket struct {
	fd     int
	peer   *socket // nil: there is none, or it is closed
	local  net.Addr
	remote net.Addr // nil: not connected
	want   loop.Interest
	edge   bool // something has changed since Quiet was reported

	in    []byte
	room  int           // of in, at the most
	fin   bool          // the peer's FIN is behind in
	sent  bool          // our FIN
	err   syscall.Errno // pending
	ended bool          // by a reset: what is written is refused

	datagrams *datagrams // nil: a stream's
	options   Options
	backlog   []*socket // of a listener
	key       string
}

func (k *Kernel) add(s *socket) int {
	s.fd = len(k.sockets)
	if n := len(k.free); n > 0 {
		s.fd, k.free = k.free[n-1], k.free[:n-1]
		k.sockets[s.fd] = s
	} else {
		k.sockets = append(k.sockets, s)
	}
	return s.fd
}

// event says what the poller would.
func (s *socket) event() (ev loop.Event) {
	if s.want == loop.None {
		return 0
	}
	if s.datagrams != nil {
		return s.datagramEvent()
	}
	if s.key != "" {
		if s.want == loop.Read && len(s.backlog) > 0 {
			ev = loop.In
		}
		return ev
	}
	if s.err != 0 || s.ended || s.fin && s.sent {
		ev |= loop.Err
	}
	if s.want == loop.Quiet {
		if !s.edge {
			return 0
		}
		s.edge = false
		if s.space() > 0 {
			ev |= loop.Out
		}
		return ev
	}
	if len(s.in) > 0 || s.fin || s.err != 0 {
		ev |= loop.In
	}
	if s.want == loop.ReadWrite && s.space() > 0 {
		ev |= loop.Out
	}
	return ev
}

// space is how much the peer takes now.
func (s *socket) space() int {
	if s.peer == nil {
		return 1 << 30 // it is sent, and answered with a reset
	}
	return max(0, s.peer.room-len(s.peer.in))
}

func (k *Kernel) socket(fd int) *socket {
	if fd < 0 || fd >= len(k.sockets) || k.sockets[fd] == nil {
		panic("memnet: use of a closed socket")
	}
	return k.sockets[fd]
}

// Want changes which events are reported.
func (k *Kernel) Want(fd int, _, now loop.Interest) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	s.want, s.edge = now, true
	return nil
}

// Recv reads.
func (k *Kernel) Recv(fd int, p []byte) (int, syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	if k.Faults.MaxRecv > 0 {
		p = p[:min(len(p), k.Faults.MaxRecv)]
	}
	switch n := copy(p, s.in); {
	case n > 0:
		if s.in = s.in[n:]; len(s.in) == 0 {
			s.in = nil
		}
		if s.peer != nil {
			s.peer.edge = true
		}
		return n, 0
	case s.err != 0:
		e := s.err
		s.err = 0
		return 0, e
	case s.fin || s.ended:
		return 0, 0
	}
	return 0, syscall.EAGAIN
}

// Send writes.
func (k *Kernel) Send(fd int, ps [][]byte) (int, syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.socket(fd).send(ps, k.Faults.MaxSend)
}

// SendFile reads a piece of f and writes it.
func (k *Kernel) SendFile(fd int, f *os.File, off, n int64) (int64, syscall.Errno) {
	if during := k.Faults.Sending; during != nil {
		during()
		defer during()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	if k.Faults.NoFiles {
		return 0, syscall.ENOSYS
	}
	p := make([]byte, min(n, window, int64(max(1, s.space()))))
	got, err := f.ReadAt(p, off)
	switch {
	case got == 0 && err == io.EOF:
		return 0, 0
	case got == 0:
		return 0, syscall.EBADF
	}
	sent, e := s.send([][]byte{p[:got]}, k.Faults.MaxSend)
	return int64(sent), e
}

func (s *socket) send(ps [][]byte, most int) (n int, e syscall.Errno) {
	switch {
	case s.err != 0:
		e, s.err = s.err, 0
		return 0, e
	case s.ended || s.sent:
		return 0, syscall.EPIPE
	}
	room := s.space()
	if most > 0 {
		room = min(room, most)
	}
	for _, p := range ps {
		p = p[:min(len(p), room-n)]
		if s.peer != nil && len(p) > 0 {
			s.peer.in = append(s.peer.in, p...)
			s.peer.edge = true
		}
		n += len(p)
	}
	switch {
	case n == 0:
		return 0, syscall.EAGAIN
	case s.peer == nil:
		s.reset()
	}
	return n, 0
}

// reset is the arrival of a RST.
func (s *socket) reset() {
	s.err, s.ended, s.edge, s.peer = syscall.ECONNRESET, true, true, nil
}

// CloseWrite sends our FIN.
func (k *Kernel) CloseWrite(fd int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.socket(fd).closeWrite()
}

func (s *socket) closeWrite() {
	if s.sent = true; s.peer != nil {
		s.peer.fin, s.peer.edge = true, true
	}
}

// Close forgets the socket. Unread input makes it a reset.
func (k *Kernel) Close(fd int, reset bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	k.sockets[fd] = nil
	k.free = append(k.free, fd)
	if s.key != "" {
		delete(k.listeners, s.key)
		for _, c := range s.backlog {
			k.closeEnd(c, true)
		}
	}
	k.closeEnd(s, reset)
}

func (k *Kernel) closeEnd(s *socket, reset bool) {
	p := s.peer
	if p == nil {
		return
	}
	s.peer = nil
	if reset || len(s.in) > 0 {
		p.reset()
	} else {
		p.fin, p.edge, p.peer = true, true, nil
	}
}

// Err takes the pending error.
func (k *Kernel) Err(fd int) syscall.Errno {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	e := s.err
	s.err = 0
	return e
}

// Peer fails unless the socket is connected.
func (k *Kernel) Peer(fd int) (net.Addr, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	return s.remote, s.remote != nil && !s.ended
}

// Local returns our address.
func (k *Kernel) Local(fd int) net.Addr {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.socket(fd).local
}
