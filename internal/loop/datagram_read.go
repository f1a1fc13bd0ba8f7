package loop

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/torsion-go/torsion/internal/socket"
	"github.com/torsion-go/torsion/protocol"
)

// flushAt is how many bytes a batch has written when it is sent before the batch
// has ended.
const flushAt = 64 << 10

// An inbox has the buffers that datagrams are received into; there are none until
// the first comes. A system that gives out memory when it is used gives little.
type inbox struct {
	ms   []socket.Datagram
	room []byte
	max  int // bytes that each has room for
	used int // of ms, the last time
}

// prepare offers room for n datagrams of up to max bytes. Few use all of it, so only
// what was used is made ready again.
func (b *inbox) prepare(max, n int) []socket.Datagram {
	stale := b.used
	if b.max != max {
		if len(b.room) < socket.Batch*max {
			b.room = make([]byte, socket.Batch*max)
			b.ms = make([]socket.Datagram, socket.Batch)
		}
		b.max, stale = max, socket.Batch
	}
	for i := range b.ms[:stale] {
		b.ms[i].Data = b.room[i*max : (i+1)*max : (i+1)*max]
	}
	b.used = n
	return b.ms[:n]
}

// A heldDatagram was received before reading was paused.
type heldDatagram struct {
	data []byte
	addr netip.AddrPort
	path string
}

// ready is the event of a port. It may have been meant for the descriptor's
// previous owner.
func (d *datagramPort) ready(ev Event) {
	l := d.loop
	if ev&Out != 0 && d.blocked && d.again == nil {
		l.begin(nil)
		d.blocked = false
		d.touch()
		l.end()
	}
	switch {
	case d.noRead&ended != 0:
	case d.noRead != 0:
		l.begin(nil)
		if ev&Err != 0 {
			d.askError()
		}
		d.setWant(Quiet) // else input that waits would be reported for ever
		l.end()
	case ev&(In|Err) != 0:
		d.receive()
	}
}

// askError takes the error of a port that is not read.
func (d *datagramPort) askError() {
	if e := d.loop.kernel.Err(d.socket.FD); e != 0 {
		d.tell("read", nil, os.NewSyscallError("getsockopt", e))
	}
}

// receive takes what has come, at most a batch, so that others have their turns. Each
// datagram, or error, is a turn; what they have ports write leaves behind those that
// one call has given.
func (d *datagramPort) receive() {
	l := d.loop
	g := &l.datagrams
	for left := socket.Batch; left > 0 && d.noRead == 0; {
		ms := g.in.prepare(d.max, left)
		n, e := l.kernel.RecvDatagrams(d.socket.FD, ms)
		g.in.used = n
		if e == syscall.EAGAIN {
			return
		}
		g.batch = true
		d.take(ms[:n])
		if left -= n; e != 0 {
			left--
			l.begin(nil)
			d.receiveFailed(e)
			l.end()
		}
		g.batch = false
		l.settleBatch()
		if n < len(ms) && e == 0 {
			return // nothing else has come
		}
	}
	if d.noRead == 0 {
		l.kernel.Again(d.socket.FD)
	}
}

// settleBatch is the turn in which ports send what a batch has had them write.
func (l *Loop) settleBatch() {
	if len(l.datagrams.touched) > 0 {
		l.begin(nil)
		l.end()
	}
}

// take delivers what was received. When reading pauses the rest is kept; when the
// port ends it is dropped.
func (d *datagramPort) take(ms []socket.Datagram) {
	l := d.loop
	for i := range ms {
		if d.noRead&(closing|ended) != 0 {
			return
		}
		if d.noRead != 0 {
			l.begin(nil)
			d.hold(ms[i:])
			l.end()
			return
		}
		m := &ms[i]
		l.stats.BytesRead += int64(len(m.Data))
		l.begin(nil)
		if m.Cut {
			d.tell("read", d.peerOf(m.Addr, m.Path), syscall.EMSGSIZE)
		} else {
			d.deliver(m.Data, m.Addr, m.Path)
		}
		l.end()
		if l.datagrams.written >= flushAt {
			l.datagrams.batch = false
			l.settleBatch()
			l.datagrams.batch = true
		}
	}
}

// deliver lends a datagram to the protocol.
func (d *datagramPort) deliver(data []byte, from netip.AddrPort, path string) {
	l := d.loop
	prev := l.enter(nil, "DatagramReceived", d.proto)
	defer l.leave(nil, prev)
	defer func() {
		if v := recover(); v != nil {
			l.panicked(nil, v, "addr", d.socket.Local, "peer", d.peerOf(from, path))
		}
	}()
	if d.unix != nil {
		d.unix.UnixDatagramReceived(data, path)
	} else {
		d.proto.DatagramReceived(data, from)
	}
	if debug {
		for i := range data {
			data[i] = 0xdb // whoever kept it shall see
		}
	}
}

// hold keeps datagrams until reading is resumed, which it may be while they are kept: by
// who hears of one that was cut off.
func (d *datagramPort) hold(ms []socket.Datagram) {
	d.noRead |= holding
	for i := range ms {
		m := &ms[i]
		d.loop.stats.BytesRead += int64(len(m.Data))
		if m.Cut {
			d.tell("read", d.peerOf(m.Addr, m.Path), syscall.EMSGSIZE)
		} else {
			d.held = append(d.held, heldDatagram{append([]byte(nil), m.Data...), m.Addr, m.Path})
		}
	}
	if len(d.held) == 0 {
		d.noRead &^= holding
		d.touch()
	}
}

// PauseReading stops DatagramReceived.
func (d *datagramPort) PauseReading() {
	d.loop.check()
	d.noRead |= paused
}

// ResumeReading lets it go on: what was kept comes first, each in a turn of its own.
func (d *datagramPort) ResumeReading() {
	d.loop.check()
	if d.noRead&paused != 0 {
		d.noRead &^= paused
		d.readable()
	}
}

// readable goes on when a reason not to read has ended.
func (d *datagramPort) readable() {
	switch d.noRead {
	case 0:
		d.touch()
	case holding:
		_ = d.loop.Call(d.deliverHeld) // a loop that has stopped has ended the port
	}
}

// deliverHeld delivers one of the datagrams that were kept.
func (d *datagramPort) deliverHeld() {
	if d.noRead != holding || len(d.held) == 0 {
		return // it has ended, or is paused again
	}
	m := d.held[0]
	d.held = d.held[1:]
	if len(d.held) == 0 {
		d.held = nil
		d.noRead &^= holding
		d.touch()
	}
	d.deliver(m.data, m.addr, m.path)
	if d.noRead == holding {
		_ = d.loop.Call(d.deliverHeld)
	}
}

// receiveFailed tells an error of receiving, which is about a datagram sent before,
// unless it says that the socket is no good.
func (d *datagramPort) receiveFailed(e syscall.Errno) {
	err := os.NewSyscallError("recv", e)
	switch e {
	case syscall.EBADF, syscall.ENOTSOCK, syscall.EFAULT, syscall.EINVAL, syscall.ENOTCONN:
		d.end(d.opError("read", d.socket.Remote, err))
	case syscall.ECONNREFUSED:
		if d.socket.Remote == nil {
			return // of whom, nobody knows
		}
		d.tell("read", nil, err)
	default:
		d.tell("read", nil, err)
	}
}

// tell tells what became of a datagram.
func (d *datagramPort) tell(op string, peer net.Addr, err error) {
	if peer == nil {
		peer = d.socket.Remote
	}
	log := d.loop.Logger()
	switch {
	case d.noRead&ended != 0:
	case d.errs != nil:
		err := d.opError(op, peer, err)
		before := d.loop.datagrams.telling
		d.loop.datagrams.telling = true
		d.call("ErrorReceived", func() { d.errs.ErrorReceived(err) })
		d.loop.datagrams.telling = before
	case log.Enabled(context.Background(), slog.LevelDebug):
		log.Debug("datagram lost", "port", d.socket.Local, "protocol", protocol.NameOf(d.proto), "err", d.opError(op, peer, err))
	}
}

func (d *datagramPort) opError(op string, peer net.Addr, err error) error {
	return &net.OpError{Op: op, Net: d.socket.Local.Network(), Source: d.socket.Local, Addr: peer, Err: err}
}

// peerOf makes an address of a datagram's.
func (d *datagramPort) peerOf(a netip.AddrPort, path string) net.Addr {
	switch {
	case d.socket.Remote != nil:
		return d.socket.Remote
	case d.socket.Family == socket.Unix:
		return &net.UnixAddr{Net: "unixgram", Name: path}
	}
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
}
