package loop

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// Reasons not to read. Reading is true when there is none.
const (
	paused    = 1 << iota // by PauseReading
	suspended             // by SuspendReading
	full                  // by ourselves: the output is above the high-water mark
	eof                   // the peer has ended its side
	closing               // LoseConnection: input is read and thrown away
	ended                 // told, or about to be
)

// Reasons not to write.
const (
	noMore = 1 << iota // LoseConnection or CloseWrite, and no producer holds it
	failed             // the kernel would not: Write drops, until ConnectionLost tells
	over               // ended
)

// Facts about a connection.
const (
	blocked     = 1 << iota // the kernel takes no more for now; an Out event will say
	stuck                   // it has not taken all since rare.since
	finSent                 // our side is ended
	halfClosing             // CloseWrite was called
	aboveHigh               // more than the high-water mark was queued, and not yet less than the low one
	toldPause               // PauseWriting was called, or the producer's PauseProducing
	owed                    // on the list later
	resumeOwed              // its ReadResumed is due there
	pullOwed                // its producer's ResumeProducing is due there
	finSeen                 // a Fin event has come
	attends                 // somebody waits in rare for what settle finds
	reset                   // close with RST
	told                    // lost has run
)

// Which list a connection is on.
const (
	onNone = iota
	onTouched
	onWaiting
)

// A Conn is one connection: the Transport of its protocol. What seldom is needed
// stands in rare.
type Conn struct {
	loop    *Loop
	proto   protocol.Protocol
	flusher protocol.Flusher // proto's, if it has one
	opts    *options
	peer    net.Addr
	fd      int32
	facts   uint16
	noRead  uint8
	noWrite uint8
	list    uint8
	want    Interest
	queue   queue
	sent    int64 // what the kernel took, counted as queue.size is
	foreign int   // bytes of others in the queue, at the most
	err     error // the first error, which is the reason
	timers  *timer
	local   *net.TCPAddr // if it has been asked for, and the port does not tell
	rare    *rare
}

// rare is what few connections need.
type rare struct {
	watch     *timer // for peers that are slow, or slow to close
	since     int64  // when the peer last took something, or the queue ceased to be empty
	losing    int64  // when LoseConnection was called
	finAt     int64  // when the FIN was sent
	reason    error  // SetReason's
	drained   []mark
	drainedIn uint64 // the turn in which one was told last
	endings   []*ending
	head      []byte    // of Adopt, to be received before anything else
	suspends  int       // SuspendReadings that are not over
	away      *transfer // a worker has it, or is about to

	producer  protocol.Producer
	streaming bool
	pulledAt  int64 // sent, when the producer was last resumed
}

// options are a Socket's fields with their defaults, shared by the connections
// of a port or connector.
type options struct {
	high, low, backlog       int
	slow, closing, lingering time.Duration // negative: never
	local                    net.Addr      // of the port; the answer when the socket is closed
	exact                    bool          // local is that of each connection: the port has no wildcard
	last                     *net.TCPAddr  // what a connection had instead; most have the same
	client                   *connector
}

func newOptions(s factory.Socket, local net.Addr, client *connector) *options {
	o := &options{local: local, exact: isExact(local), client: client}
	o.high = either(s.HighWater, 256<<10)
	o.low = either(s.LowWater, o.high/4)
	o.backlog = either(s.MaxBacklog, 1<<20)
	o.slow = either(s.SlowPeerTimeout, 2*time.Minute)
	o.closing = either(s.CloseTimeout, 30*time.Second)
	o.lingering = either(s.LingerTimeout, 2*time.Second)
	return o
}

// isExact reports whether an address of a port is that of all of its connections.
func isExact(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return a != nil && (!ok || !tcp.IP.IsUnspecified())
}

func either[T comparable](v, ifZero T) T {
	var zero T
	if v == zero {
		return ifZero
	}
	return v
}

func (c *Conn) extra() *rare {
	if c.rare == nil {
		c.rare = &rare{}
	}
	return c.rare
}

var errNotPolled = errors.New("reactor: the poller refuses a connection")

// attach makes a connection of a socket that is connected, in a turn of its own.
func (l *Loop) attach(fd int, old Interest, peer net.Addr, f factory.Factory, o *options, head []byte) error {
	l.begin(nil)
	defer l.end()
	return l.attachWithin(fd, old, peer, f, o, head)
}

// attachWithin does so within a turn. The socket is in the poller before the
// protocol exists, so whatever was built hears ConnectionMade and ConnectionLost.
// The error says why there is no protocol.
func (l *Loop) attachWithin(fd int, old Interest, peer net.Addr, f factory.Factory, o *options, head []byte) error {
	if l.draining {
		l.kernel.Close(fd, true)
		return protocol.ErrStopped
	}
	if err := l.kernel.Want(fd, old, Read); err != nil {
		l.kernel.Close(fd, true)
		return fmt.Errorf("%w: %w", errNotPolled, err)
	}
	c := &Conn{loop: l, opts: o, peer: peer, fd: int32(fd), want: Read}
	if l.owner == nil {
		l.owner = c // the turn is c's
	}
	p, err := c.build(f)
	if p == nil {
		return err
	}
	l.setSource(fd, c)
	l.conns.Add(1)
	if o.client == nil {
		l.stats.Accepted++
	}
	c.proto = p
	if o.client != nil {
		o.client.conn = c
	}
	if len(head) > 0 {
		c.extra().head = head
		c.owe(resumeOwed)
	}
	c.made()
	return nil
}

// Adopt makes a connection of a socket that somebody else connected. Head is
// what he had read already. It may be called from anywhere; the socket is closed
// if it fails.
func (l *Loop) Adopt(fd int, peer net.Addr, f factory.Factory, s factory.Socket, head []byte) error {
	err := l.Call(func() {
		o := newOptions(s, l.kernel.Local(fd), nil)
		if err := l.attachWithin(fd, None, peer, f, o, head); err != nil {
			l.Logger().Debug("connection not adopted", "peer", peer, "err", err)
		}
	})
	if err != nil {
		l.kernel.Close(fd, true)
	}
	return err
}

// release forgets a descriptor and closes it.
func (l *Loop) release(fd int, rst bool) {
	l.setSource(fd, nil) // it may never have been there
	l.kernel.Close(fd, rst)
}

// Now returns the current time.
func (c *Conn) Now() time.Time { return c.loop.kernel.Now() }

// AfterFunc sets a timer that dies with the connection.
func (c *Conn) AfterFunc(d time.Duration, f func()) clock.Timer {
	c.loop.check()
	if c.noRead&ended != 0 {
		if debug {
			panic("torsion: AfterFunc on a connection that has ended; use t.Loop().AfterFunc")
		}
		return &timer{loop: c.loop, conn: c, f: f}
	}
	return c.loop.setTimer(c, d, f)
}

// Buffered returns the bytes written and not yet taken by the kernel, a file as
// protocol.FileWeight.
func (c *Conn) Buffered() int {
	c.loop.check()
	if c.loop.owner == c {
		return c.queue.size + len(c.loop.scratch)
	}
	return c.queue.size
}

// MaxBacklog tells a Remote its bound.
func (c *Conn) MaxBacklog() int { return c.opts.backlog }

// OwnTurn reports whether the turn is c's, for layers that bound what others
// write as admit does.
func (c *Conn) OwnTurn() bool { return c.loop.owner == c }

// Loop returns the loop.
func (c *Conn) Loop() protocol.Loop { return c.loop }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.peer }

// LocalAddr asks for our address when it is first needed, unless it is the port's;
// an ended connection that never was asked answers that.
func (c *Conn) LocalAddr() net.Addr {
	if c.local == nil && !c.opts.exact && c.noRead&ended == 0 {
		c.loop.check()
		c.findLocal()
	}
	if c.local != nil {
		return c.local
	}
	return c.opts.local
}

// findLocal asks. The connections of a port whose address is the same share it.
func (c *Conn) findLocal() {
	o := c.opts
	switch a := c.loop.kernel.Local(int(c.fd)).(type) {
	case *net.TCPAddr:
		if l := o.last; l == nil || l.Port != a.Port || l.Zone != a.Zone || !l.IP.Equal(a.IP) {
			o.last = a
		}
		c.local = o.last
	default:
		if o.local == nil { // that of a Unix client, which has no name
			o.local = a
		}
	}
}

// touch has settle look after c when this turn ends.
func (c *Conn) touch() {
	l := c.loop
	if c.list == onTouched {
		return
	}
	if l.owner != c {
		if c.list == onWaiting {
			return
		}
		l.others++
	}
	c.list = onTouched
	l.touched = append(l.touched, c)
}

// settle sends what c has to send and does what was asked of it.
func (c *Conn) settle() {
	if c.flusher != nil && c.noWrite&over == 0 {
		c.flush()
	}
	c.list = onNone
	if c.noWrite&(failed|over) != 0 {
		return
	}
	c.send()
	if c.facts|uint16(c.noRead) == 0 && c.want == Read || c.noWrite&(failed|over) != 0 {
		return // the usual case first
	}
	c.pace()
	if c.list == onTouched {
		return // it has written: that comes first, when settle comes to c again
	}
	c.finish()
	c.arrange()
}

// arrange brings the poller in line with what c wants to hear. A pause alone
// changes nothing: most are over before anything arrives.
func (c *Conn) arrange() {
	want := c.want
	switch read := c.wantsInput(); {
	case c.noRead&ended != 0:
		return
	case read && c.facts&blocked != 0:
		want = ReadWrite
	case read:
		want = Read
	case c.facts&blocked != 0 || c.noRead&eof != 0:
		want = Quiet
	}
	c.setWant(want)
}

func (c *Conn) setWant(want Interest) {
	if want == c.want {
		return
	}
	old := c.want
	c.want = want
	if err := c.loop.kernel.Want(int(c.fd), old, want); err != nil {
		c.fail(err)
	}
}

// wantsInput reports whether the socket is to be read, if only to throw away.
func (c *Conn) wantsInput() bool {
	if c.noRead&closing != 0 {
		return c.noRead&(eof|ended) == 0
	}
	return c.noRead == 0 && c.facts&resumeOwed == 0
}

var (
	_ protocol.Transport        = (*Conn)(nil)
	_ protocol.Notifier         = (*Conn)(nil)
	_ protocol.SharedWriter     = (*Conn)(nil)
	_ protocol.BufferAvailer    = (*Conn)(nil)
	_ protocol.ProducerRegistry = (*Conn)(nil)
	_ protocol.ReadSuspender    = (*Conn)(nil)
	_ protocol.FileSender       = (*Conn)(nil)
)
