package loop

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/internal/socket"
	"github.com/torsion-go/torsion/protocol"
)

const (
	retryAfter = time.Millisecond      // at first, where no event says that there is room
	retryMost  = 64 * time.Millisecond // doubled up to here
	retryFor   = time.Second           // then those are lost that have waited so long
)

// output is what a port sends, and what hinders it.
type output struct {
	out     outbox
	blocked bool          // an Out event will say when there is room
	again   *timer        // or this timer; nil if it is not ahead
	wait    time.Duration // of again, the last time
	stalls  int           // times that room was reported and there was none
	since   int64         // Nanos when retrying began; 0 if it has not
	old     int           // datagrams that waited then
	stored  syscall.Errno // why the first datagram was refused, if it may be for one sent before it
	parked  fullPeers     // of a Unix port
	above   bool          // the high-water mark was passed, and not yet the low one
	told    bool          // PauseWriting was called
}

// Write sends to the peer of a connected port.
func (d *datagramPort) Write(p []byte) (int, error) {
	d.loop.check()
	if d.socket.Remote == nil {
		return 0, d.opError("write", nil, syscall.ENOTCONN)
	}
	return d.queue(p, netip.AddrPort{}, "")
}

// WriteTo sends to a peer with an IP address.
func (d *datagramPort) WriteTo(p []byte, to netip.AddrPort) (int, error) {
	d.loop.check()
	dest, err := d.destination(to)
	if err != nil {
		return 0, d.opError("write", net.UDPAddrFromAddrPort(to), err)
	}
	return d.queue(p, dest, "")
}

// destination is to as the kernel wants it: mapped where IPv4 goes through an IPv6
// socket, and none where the socket has it.
func (d *datagramPort) destination(to netip.AddrPort) (netip.AddrPort, error) {
	a := to.Addr()
	is4 := a.Is4() || a.Is4In6()
	switch f := d.socket.Family; {
	case f == socket.Unix:
		return to, &net.AddrError{Err: "a Unix datagram goes to a path: protocol.UnixDatagramTransport", Addr: to.String()}
	case !a.IsValid():
		return to, &net.AddrError{Err: "no address", Addr: to.String()}
	case f == socket.IPv4 && !is4 || f == socket.IPv6 && is4:
		return to, &net.AddrError{Err: "address of another family", Addr: to.String()}
	case d.socket.Remote != nil && !d.isRemote(netip.AddrPortFrom(a.Unmap(), to.Port())):
		return to, net.ErrWriteToConnected
	case d.socket.Remote != nil:
		return netip.AddrPort{}, nil
	case f == socket.Dual && is4:
		a = netip.AddrFrom16(a.As16())
	case f == socket.IPv4:
		a = a.Unmap()
	}
	return netip.AddrPortFrom(a, to.Port()), nil
}

// isRemote reports whether a is the peer, whose zone may be a name or a number.
func (d *datagramPort) isRemote(a netip.AddrPort) bool {
	if a == d.remote || a == d.alias {
		return true
	}
	zone, own := a.Addr().Zone(), d.remote.Addr().Zone()
	if zone == "" || own == "" || netip.AddrPortFrom(a.Addr().WithZone(own), a.Port()) != d.remote {
		return false
	}
	n := zoneNumber(zone)
	if n == 0 || n != zoneNumber(own) {
		return false
	}
	d.alias = a
	return true
}

// zoneNumber is the number of an interface; 0 if there is none.
func zoneNumber(zone string) int {
	if i, err := net.InterfaceByName(zone); err == nil {
		return i.Index
	}
	n, _ := strconv.Atoi(zone)
	return n
}

// queue queues a copy of p.
func (d *datagramPort) queue(p []byte, to netip.AddrPort, path string) (int, error) {
	size := len(p) + protocol.DatagramOverhead
	var err error
	switch {
	case d.noRead&(closing|ended) != 0:
		err = net.ErrClosed
	case len(p) > d.longest(to):
		err = syscall.EMSGSIZE
	case d.opts.backlog >= 0 && d.waiting()+size > d.opts.backlog && d.waiting() > 0:
		err = syscall.ENOBUFS
	}
	if err != nil {
		return 0, d.opError("write", d.peerOf(to, path), err)
	}
	g := &d.loop.datagrams
	if d.out.ms == nil {
		d.out, g.spare = g.spare, outbox{}
	}
	d.out.add(p, to, path)
	g.written += size
	if d.waiting() > d.opts.high && !d.above {
		d.above = true
		if d.paces == nil {
			d.noRead |= full // as a Conn's: an echo is bounded
		}
	}
	d.touch()
	return len(p), nil
}

// longest is how many bytes a datagram can have: 65535 without the headers, of
// which that of IPv6 does not count. Of a Unix socket the kernel knows.
func (d *datagramPort) longest(to netip.AddrPort) int {
	const udp, ipv4 = 8, 20
	a := to.Addr()
	switch {
	case d.socket.Family == socket.Unix:
		return 1<<31 - 1
	case a.Is4() || a.Is4In6() || d.socket.Family == socket.IPv4:
		return 1<<16 - 1 - udp - ipv4
	}
	return 1<<16 - 1 - udp
}

// Buffered returns the bytes that wait.
func (d *datagramPort) Buffered() int {
	d.loop.check()
	return d.waiting()
}

func (o *output) waiting() int { return o.out.size + o.parked.size }

// send sends what has been written, as far as the kernel takes it. What is written
// meanwhile, by who hears of errors, leaves in a later turn.
func (d *datagramPort) send() {
	g := &d.loop.datagrams
	for left := d.out.len(); left > 0 && !d.blocked && d.again == nil; {
		most := min(left, socket.Batch)
		if len(d.parked.peers) > 0 {
			if most = d.parked.passable(&d.out, most); most == 0 {
				d.park()
				left--
				continue
			}
		}
		n, e := d.transmit(&d.out, most)
		if n > 0 {
			left -= n
			d.stalls, d.wait, d.since = 0, 0, 0
			d.tellStored(0)
		}
		if e != 0 {
			left -= d.sendFailed(e)
		}
	}
	if d.out.ms != nil && d.out.empty() {
		if d.out.reset(); cap(d.out.data) <= 1<<20 {
			g.spare = d.out
		}
		d.out = outbox{}
	}
}

// transmit is the only place that sends: some of the first most that wait in o.
func (d *datagramPort) transmit(o *outbox, most int) (int, syscall.Errno) {
	l := d.loop
	g := &l.datagrams
	if g.vec == nil {
		g.vec = make([]socket.Datagram, socket.Batch)
	}
	ms := o.front(g.vec[:min(most, len(g.vec))])
	n, e := l.kernel.SendDatagrams(d.socket.FD, ms)
	for i := range ms[:n] {
		l.stats.BytesWritten += int64(len(ms[i].Data))
	}
	o.drop(n)
	return n, e
}

// sendFailed follows the refusal of the first datagram, and returns how many will
// not be sent for it.
func (d *datagramPort) sendFailed(e syscall.Errno) int {
	connected := d.socket.Remote != nil
	switch {
	case d.socket.Family == socket.Unix && !connected && peerIsFull(e):
		d.park()
		return 1
	case e == syscall.EAGAIN && d.stalls == 0:
		d.blocked = true
		d.stalls++
		return 0
	case e == syscall.EAGAIN, e == syscall.ENOBUFS:
		return d.retry()
	case connected && d.socket.Family != socket.Unix && d.stored == 0 && mayBeStored(e):
		d.stored = e // it may be of one sent before, and this one not tried yet
		return 0
	}
	d.since = 0
	d.tellStored(e)
	d.lose(e)
	return 1
}

// tellStored tells of an error that was another datagram's, as the next try has shown,
// whose error is e.
func (d *datagramPort) tellStored(e syscall.Errno) {
	stored := d.stored
	d.stored = 0
	if stored != 0 && stored != e {
		d.tell("write", nil, os.NewSyscallError("send", stored))
	}
}

// lose drops the first datagram.
func (d *datagramPort) lose(e syscall.Errno) {
	m := d.out.first()
	peer := d.peerOf(m.to, m.path)
	d.out.drop(1)
	d.tell("write", peer, os.NewSyscallError("send", e))
}

// mayBeStored reports whether the error of a connected socket can be about what was
// sent before: the system keeps what the network says (ICMP) until the next call. The
// others are about the datagram itself.
func mayBeStored(e syscall.Errno) bool { return e != syscall.EINVAL && e != syscall.EPERM }

// retry tries again after a while: the interface has no room, or the kernel has
// said that there is some, and there is none. It returns how many are lost, because
// they have waited for too long: nobody wants them any more when the link is back.
func (d *datagramPort) retry() (lost int) {
	now := d.loop.now()
	if d.since != 0 && now-d.since >= int64(retryFor) {
		for lost = d.old; d.old > 0; d.old-- {
			d.lose(syscall.ENOBUFS)
		}
		d.since = 0
	}
	if d.out.empty() {
		d.wait = 0
		return lost
	}
	if d.since == 0 {
		d.since, d.old = now, d.out.len()
	}
	d.wait = min(max(retryAfter, 2*d.wait), retryMost)
	d.again = d.loop.setTimer(nil, d.wait, func() {
		d.again = nil
		d.touch()
	})
	return lost
}

// pace pairs PauseWriting and ResumeWriting, or reads on.
func (d *datagramPort) pace() {
	switch low := d.waiting() <= d.opts.low; {
	case !d.above:
	case low:
		told := d.told
		d.above, d.told = false, false
		if told && d.noRead&(closing|ended) == 0 {
			d.call("ResumeWriting", d.paces.ResumeWriting)
		} else if d.noRead&full != 0 {
			d.noRead &^= full
			d.readable()
		}
	case d.paces != nil && !d.told && d.noRead&(closing|ended) == 0:
		d.told = true
		d.call("PauseWriting", d.paces.PauseWriting)
	}
}
