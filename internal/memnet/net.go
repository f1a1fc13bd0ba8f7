package memnet

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"

	"github.com/torsion-go/torsion/factory"
)

// Listen opens a listener. Port 0 becomes one that is free.
func (k *Kernel) Listen(network, addr string, _ factory.Socket) (int, net.Addr, error) {
	a, _, err := k.Resolve(network, addr)
	if err != nil {
		return -1, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if t, ok := a.(*net.TCPAddr); ok && t.Port == 0 {
		k.port++
		t.Port = k.port
	}
	key := keyOf(a)
	if k.listeners[key] != nil {
		return -1, nil, &net.OpError{Op: "listen", Net: network, Addr: a, Err: syscall.EADDRINUSE}
	}
	s := &socket{local: a, key: key}
	k.listeners[key] = s
	return k.add(s), a, nil
}

// keyOf is what must be unique: the port, or the path.
func keyOf(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok {
		return ":" + strconv.Itoa(t.Port)
	}
	return a.String()
}

// Resolve knows literal addresses and localhost.
func (k *Kernel) Resolve(network, addr string) (net.Addr, bool, error) {
	switch network {
	case "unix":
		return &net.UnixAddr{Net: "unix", Name: addr}, true, nil
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, false, &net.OpError{Op: "dial", Net: network, Err: net.UnknownNetworkError(network)}
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, false, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	n, err := net.LookupPort(network, port)
	if err != nil {
		return nil, false, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	ip, err := netip.ParseAddr(host)
	if host == "" || host == "localhost" {
		ip, err = netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	if err != nil {
		return nil, false, nil
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(n))), true, nil
}

// Accept takes who has waited longest.
func (k *Kernel) Accept(fd int) (int, net.Addr, syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	if f := k.Faults.Accept; len(f) > 0 && len(s.backlog) > 0 {
		k.Faults.Accept = f[1:]
		if f[0] == syscall.ECONNABORTED {
			k.closeEnd(s.pop(), true)
		}
		if f[0] != 0 {
			return -1, nil, f[0]
		}
	}
	if len(s.backlog) == 0 {
		return -1, nil, syscall.EAGAIN
	}
	c := s.pop()
	return k.add(c), c.remote, 0
}

func (s *socket) pop() *socket {
	c := s.backlog[0]
	s.backlog = s.backlog[1:]
	return c
}

// Shed turns away all that wait.
func (k *Kernel) Shed(fd int) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	n := len(s.backlog)
	for len(s.backlog) > 0 {
		k.closeEnd(s.pop(), true)
	}
	k.Faults.Shed += n
	return n
}

// Connect always needs a moment; that nobody listens shows then.
func (k *Kernel) Connect(_ string, a net.Addr, opts factory.Socket) (int, string, syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.port++
	s := &socket{room: window, local: a, edge: true}
	fd := k.add(s)
	if t, ok := a.(*net.TCPAddr); ok {
		s.local = &net.TCPAddr{IP: t.IP, Port: k.port, Zone: t.Zone}
		if from := opts.LocalAddr; from.IsValid() {
			s.local = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from.Addr(), cmp.Or(from.Port(), uint16(k.port))))
		}
	} else {
		s.local = &net.UnixAddr{Net: "unix"}
	}
	to := k.listeners[keyOf(a)]
	if k.Faults.Pending {
		return fd, "connect", syscall.EINPROGRESS
	}
	if to == nil {
		s.err = syscall.ECONNREFUSED
		return fd, "connect", syscall.EINPROGRESS
	}
	s.remote = a
	c := &socket{room: window, local: a, remote: s.local, peer: s, edge: true}
	s.peer = c
	to.backlog = append(to.backlog, c)
	return fd, "connect", syscall.EINPROGRESS
}

// Attempt returns a socket that is neither connected nor listening, or -1.
func (k *Kernel) Attempt() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.IndexFunc(k.sockets, func(s *socket) bool { return s != nil && s.remote == nil && s.key == "" && s.datagrams == nil })
}

// Pipe makes a connection both of whose ends are the loop's.
func (k *Kernel) Pipe(a, b net.Addr) (fdA, fdB int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	x := &socket{room: window, local: a, remote: b, edge: true}
	y := &socket{room: window, local: b, remote: a, edge: true, peer: x}
	x.peer = y
	return k.add(x), k.add(y)
}

// An End is a test's end of a connection whose other end the loop has.
type End struct {
	k *Kernel
	s *socket
}

// Pair makes a connection: fd is the loop's end.
func (k *Kernel) Pair(local, remote net.Addr) (fd int, e *End) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ours := &socket{room: window, local: local, remote: remote, edge: true}
	theirs := &socket{room: 1 << 30, local: remote, remote: local, peer: ours, edge: true}
	ours.peer = theirs
	return k.add(ours), &End{k, theirs}
}

// Write sends p and returns how much of it fits.
func (e *End) Write(p []byte) int {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	n, _ := e.s.send([][]byte{p}, 0)
	return n
}

// Read takes what has arrived.
func (e *End) Read() []byte {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	p := e.s.in
	e.s.in = nil
	if e.s.peer != nil {
		e.s.peer.edge = true
	}
	return p
}

// Room sets how much arrives without being read.
func (e *End) Room(n int) {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	e.s.room = n
	if e.s.peer != nil {
		e.s.peer.edge = true
	}
}

// CloseWrite sends a FIN, Reset a RST.
func (e *End) CloseWrite() {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	e.s.closeWrite()
}

// Reset sends a RST.
func (e *End) Reset() {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	e.k.closeEnd(e.s, true)
}

// Ended reports whether a FIN or a RST has come.
func (e *End) Ended() bool {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	return e.s.fin || e.s.ended
}
