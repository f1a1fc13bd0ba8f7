package loop

import (
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// unixGiveUp is the last pause before a Unix peer that takes nothing loses what waits
// for it. All pauses together are twice as long.
const unixGiveUp = 16 * time.Millisecond

// fullPeers are the Unix peers of a port that have not read what was sent to them
// before. What waits for them waits beside the port's other datagrams, which pass it.
// There are no more of them than datagrams that wait.
type fullPeers struct {
	peers map[string]*fullPeer // by path
	size  int                  // bytes that wait for them, with the overhead
}

// A fullPeer is tried again after a while, since no event says when it has room.
type fullPeer struct {
	port  *datagramPort
	path  string
	out   outbox
	wait  time.Duration // of again
	again *timer
}

// peerIsFull reports whether the errno of a Unix port says so; BSD has ENOBUFS for it.
func peerIsFull(e syscall.Errno) bool { return e == syscall.EAGAIN || e == syscall.ENOBUFS }

// passable counts the first of at most n datagrams in o whose peers are not full.
func (f *fullPeers) passable(o *outbox, n int) int {
	for i := range n {
		if f.peers[o.ms[o.head+i].path] != nil {
			return i
		}
	}
	return n
}

// park has the first datagram wait for its peer, which is full, behind the others that
// do.
func (d *datagramPort) park() {
	m := d.out.first()
	p := d.parked.peers[m.path]
	if p == nil {
		if d.parked.peers == nil {
			d.parked.peers = make(map[string]*fullPeer)
		}
		p = &fullPeer{port: d, path: m.path}
		d.parked.peers[m.path] = p
		p.retry()
	}
	p.out.add(d.out.data[m.at:m.at+m.n], netip.AddrPort{}, m.path)
	d.parked.size += m.n + protocol.DatagramOverhead
	d.out.drop(1)
}

func (p *fullPeer) retry() {
	p.wait = max(retryAfter, 2*p.wait)
	p.again = p.port.loop.setTimer(nil, p.wait, p.send)
}

// send sends what waits, in a turn of its own, until the peer is full again.
func (p *fullPeer) send() {
	d := p.port
	d.touch() // for whoever waits until there is less
	for !p.out.empty() {
		before := p.out.size
		n, e := d.transmit(&p.out, p.out.len())
		if n > 0 {
			p.wait = 0
		}
		var lost error
		switch {
		case e == 0:
		case !peerIsFull(e):
			p.out.drop(1)
			lost = os.NewSyscallError("send", e)
		case p.wait < unixGiveUp:
			p.retry()
			return
		default:
			p.out.drop(p.out.len())
			lost = protocol.ErrSlowPeer
		}
		d.parked.size -= before - p.out.size
		if lost != nil {
			d.tell("write", d.peerOf(netip.AddrPort{}, p.path), lost)
		}
	}
	delete(d.parked.peers, p.path)
}

// stop forgets all of them.
func (f *fullPeers) stop() {
	for _, p := range f.peers {
		p.again.Stop()
	}
	*f = fullPeers{}
}
