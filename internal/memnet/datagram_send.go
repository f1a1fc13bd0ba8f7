package memnet

import (
	"net/netip"
	"syscall"

	"github.com/torsion-go/torsion/internal/loop"
	calls "github.com/torsion-go/torsion/internal/socket"
)

const (
	udpRoom  = 1 << 20 // bytes that a UDP socket holds; what comes then is lost
	unixRoom = 10      // datagrams that a Unix socket holds; more are refused
)

// datagramEvent says what the poller would. There is always room to send.
func (s *socket) datagramEvent() (ev loop.Event) {
	if s.err != 0 {
		ev = loop.Err
	}
	if s.want == loop.Quiet {
		if !s.edge {
			return 0
		}
		s.edge = false
		return ev | loop.Out
	}
	if len(s.datagrams.box) > 0 || s.err != 0 {
		ev |= loop.In
	}
	if s.want == loop.ReadWrite {
		ev |= loop.Out
	}
	return ev
}

// fault takes the next of what a test wants to go wrong.
func fault(faults *[]syscall.Errno) (e syscall.Errno) {
	if f := *faults; len(f) > 0 {
		e, *faults = f[0], f[1:]
	}
	return e
}

// RecvDatagrams takes what has come.
func (k *Kernel) RecvDatagrams(fd int, ms []calls.Datagram) (n int, e syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	if e, s.err = s.err, 0; e != 0 {
		return 0, e
	}
	if e = fault(&k.Faults.RecvDatagrams); e != 0 {
		return 0, e
	}
	d := s.datagrams
	for n < len(ms) && len(d.box) > 0 {
		m := d.box[0]
		d.box = d.box[1:]
		d.bytes -= len(m.Data)
		size := copy(ms[n].Data, m.Data)
		ms[n] = calls.Datagram{Data: ms[n].Data[:size], Addr: m.Addr, Path: m.Path, Cut: size < len(m.Data)}
		n++
	}
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	return n, 0
}

// SendDatagrams sends.
func (k *Kernel) SendDatagrams(fd int, ms []calls.Datagram) (n int, e syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket(fd)
	if k.Faults.MaxDatagrams > 0 {
		ms = ms[:min(len(ms), k.Faults.MaxDatagrams)]
	}
	for i := range ms {
		if e, s.err = s.err, 0; e == 0 {
			e = fault(&k.Faults.SendDatagrams)
			s.edge = s.edge || e == syscall.EAGAIN // there is room the next time
		}
		if e == 0 {
			e = k.sendDatagram(s, ms[i])
		}
		if e != 0 && n > 0 { // it will be told when it is tried again
			s.err = e
			return n, 0
		}
		if e != 0 {
			return 0, e
		}
		n++
	}
	return n, 0
}

func (k *Kernel) sendDatagram(s *socket, m calls.Datagram) syscall.Errno {
	d := s.datagrams
	sent := calls.Datagram{Data: append([]byte(nil), m.Data...), Path: d.path}
	if d.family == calls.Unix {
		to := m.Path
		if to == "" {
			to = d.to
		}
		switch r := k.atPath(to); {
		case r == nil:
			return syscall.ECONNREFUSED
		case !r.arrives(sent):
			return syscall.EAGAIN
		}
		return 0
	}
	to := m.Addr
	if !to.IsValid() {
		to = d.peer
	}
	to = netip.AddrPortFrom(to.Addr().Unmap().WithZone(""), to.Port())
	from := d.at.Addr()
	if from.IsUnspecified() {
		from = loopback(to.Addr().Is4())
	}
	sent.Addr = netip.AddrPortFrom(from, d.at.Port())
	return k.route(s, sent, to)
}

// route delivers a datagram to everybody of a group or broadcast address, and
// otherwise to whom its address fits best.
func (k *Kernel) route(s *socket, m calls.Datagram, to netip.AddrPort) syscall.Errno {
	all := to.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || to.Addr() == netip.AddrFrom4([4]byte{127, 255, 255, 255})
	group := to.Addr().IsMulticast()
	if all && !s.datagrams.broadcast {
		return syscall.EACCES
	}
	var best *socket
	for _, r := range k.sockets {
		if r == nil || r.datagrams == nil || r.datagrams.at.Port() != to.Port() {
			continue
		}
		d := r.datagrams
		switch {
		case d.family == calls.Unix, d.peer.IsValid() && d.peer != m.Addr:
		case group && d.groups[to.Addr()] && !s.datagrams.deaf, all && d.family != calls.IPv6:
			r.arrives(m)
		case !group && d.covers(to.Addr()) && (best == nil || d.peer.IsValid()):
			best = r
		}
	}
	switch {
	case best != nil:
		best.arrives(m)
	case !group && !all && s.datagrams.peer.IsValid():
		s.err, s.edge = syscall.ECONNREFUSED, true
	}
	return 0
}

// arrives puts a datagram into the box unless that is full.
func (s *socket) arrives(m calls.Datagram) bool {
	d := s.datagrams
	if d.family == calls.Unix && len(d.box) >= unixRoom || d.bytes+len(m.Data) > udpRoom {
		return false
	}
	d.box = append(d.box, m)
	d.bytes += len(m.Data)
	s.edge = true
	return true
}
