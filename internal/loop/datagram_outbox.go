package loop

import (
	"net/netip"

	"github.com/torsion-go/torsion/internal/socket"
	"github.com/torsion-go/torsion/protocol"
)

// An outbox has the datagrams that wait, one behind the other in one piece of
// memory. It is lent by the loop to the port that writes, so that none allocates.
type outbox struct {
	ms   []outgoing
	head int // those before it have left
	data []byte
	size int // bytes that wait, with the overhead
}

// An outgoing datagram is data[at : at+n].
type outgoing struct {
	at, n int
	to    netip.AddrPort
	path  string
}

func (o *outbox) len() int         { return len(o.ms) - o.head }
func (o *outbox) empty() bool      { return o.len() == 0 }
func (o *outbox) first() *outgoing { return &o.ms[o.head] }

func (o *outbox) add(p []byte, to netip.AddrPort, path string) {
	if len(o.data)+len(p) > cap(o.data) || len(o.ms) == cap(o.ms) {
		o.compact()
	}
	o.ms = append(o.ms, outgoing{len(o.data), len(p), to, path})
	o.data = append(o.data, p...)
	o.size += len(p) + protocol.DatagramOverhead
}

// compact moves what waits to the front if that makes much room.
func (o *outbox) compact() {
	if o.head == 0 || o.head < o.len() {
		return
	}
	from := len(o.data)
	if !o.empty() {
		from = o.first().at
	}
	o.data = o.data[:copy(o.data, o.data[from:])]
	live := copy(o.ms, o.ms[o.head:])
	clear(o.ms[live:])
	o.ms, o.head = o.ms[:live], 0
	for i := range o.ms {
		o.ms[i].at -= from
	}
}

// front fills vec with the first that wait.
func (o *outbox) front(vec []socket.Datagram) []socket.Datagram {
	for i := range vec {
		m := &o.ms[o.head+i]
		vec[i] = socket.Datagram{Data: o.data[m.at : m.at+m.n], Addr: m.to, Path: m.path}
	}
	return vec
}

// drop forgets the first n.
func (o *outbox) drop(n int) {
	for range n {
		o.size -= o.first().n + protocol.DatagramOverhead
		o.head++
	}
}

// reset makes it as good as new.
func (o *outbox) reset() {
	clear(o.ms)
	o.ms, o.head, o.data, o.size = o.ms[:0], 0, o.data[:0], 0
}
