package protocol

import (
	"errors"
	"math"
	"net"
	"sync"
)

// A Gate is a Layer that holds output back: until something has happened, as TLS
// does while it shakes hands, or to let only so much through, as a throttle does.
// Its author embeds it as he would a Layer. Until Shut it is no more than one.
// From then on what is written waits, and he decides:
//
//	g.Open(seal)           // everything goes through seal, at the end of each event
//	g.Let(n, send)         // n bytes go through send now
//
// One that only changes what is sent, files included, opens it at the beginning:
//
//	type rot13 struct{ protocol.Gate }
//
//	func (r *rot13) ConnectionMade(t protocol.Transport) {
//		r.Shut()
//		r.Open(func(p []byte) { r.Below.Write(rotate(bytes.Clone(p))) })
//		r.Gate.ConnectionMade(t)
//	}
//
//	func (r *rot13) DataReceived(data []byte) { r.Above.DataReceived(rotate(data)) }
//
// Whatever he does, for the protocol above it is one connection: what waits counts
// in Buffered and is bounded as the transport's queue is, closes come behind it,
// and producers and Drained are told when it has gone all the way.
//
//	Write --> waits --Open, Let--> through --> Below --> kernel
//	           |                                 |
//	           '------- Buffered, Drained -------'
type Gate struct {
	Layer

	// Goodbye, if it is set, is called once when all that will ever be written has
	// gone through, before the end of the stream goes below: for a last word.
	Goodbye func()

	shut    bool
	through func(p []byte) // where everything goes; nil while nothing does
	waits   []byte         // from head on; its room is lent from rooms
	head    int
	passed  int64  // bytes that have gone through
	foreign int    // bytes that others' turns have written and that wait, at the most
	stops   []stop // in what waits
	files   int    // among the stops
	wrote   bool   // above has written, and Flush is to come
	dropped bool   // Drop or Abort was called

	ending uint8 // which ends have been asked for
	before uint8 // and which were, before Shut
	full   uint8 // why writers are paused
	moving bool  // what waitsFull is for has gone below, and Drained is to come
	pacing       // of a producer
}

// Why a Gate has the writers above paused.
const (
	belowFull = 1 << iota
	waitsFull
)

const (
	tooMuch = 256 << 10 // bytes that wait and pause writers: the high-water mark of transports
	goOn    = tooMuch / 4
	room    = 16 << 10 // bytes of a buffer; a longer Write goes through an open Gate at once
)

// rooms are buffers for what waits until the end of an event.
var rooms = sync.Pool{New: func() any { return new([room]byte) }}

// Shut has everything that is written from now on wait. A producer has heard of all
// pauses below, as the Gate has.
func (g *Gate) Shut() {
	first := !g.shut
	g.shut, g.through = true, nil
	if first {
		g.ending |= g.before
		g.pull()
	}
}

// Open has what waits go through f, and all that is written from now on: when the
// event ends, or at once where it is much. f writes below, and may keep nothing.
func (g *Gate) Open(f func(p []byte)) {
	g.through = f
	g.haveFlush()
	g.wind()
}

// Let has at most n bytes of what waits go through f now.
func (g *Gate) Let(n int, f func(p []byte)) {
	for n > 0 {
		size := g.Waiting() // also sees to what is due
		if size = min(size, n); size == 0 {
			break
		}
		if file := g.next(); file != nil {
			g.passFile(file, size, f)
		} else {
			p := g.waits[g.head : g.head+size]
			g.head += size
			g.passed += int64(size)
			if f(p); g.head == len(g.waits) {
				g.giveBack()
			}
		}
		n -= size
	}
	g.next()
	g.wind()
}

// held returns how many bytes wait, without files.
func (g *Gate) held() int { return len(g.waits) - g.head }

// heavy is what waits, where a file counts as in a transport.
func (g *Gate) heavy() int { return g.held() + g.files*FileWeight }

// Drop forgets what waits, and has nothing go through any more: after a failure
// of the layer's own, which then closes below.
func (g *Gate) Drop() {
	g.ending |= losing
	g.through, g.dropped = nil, true
	g.giveBack()
	g.letGo()
}

// giveBack empties waits.
func (g *Gate) giveBack() {
	if cap(g.waits) == room {
		rooms.Put((*[room]byte)(g.waits[:room]))
	}
	g.waits, g.head = nil, 0
}

// passAll has everything go through, if the Gate is open.
func (g *Gate) passAll() {
	if g.through != nil {
		g.Let(math.MaxInt, g.through)
	}
}

// haveFlush has Flush come when the event ends.
func (g *Gate) haveFlush() { _, _ = g.Below.Write(nil) } // what it refuses needs none

// Flush has what was written in this event go through, if the Gate is open. A
// layer that hides it calls it first. Above is told only where it has written.
func (g *Gate) Flush() {
	if !g.shut {
		g.Layer.Flush()
		return
	}
	g.flush()
	if g.gauge(); g.wrote { // who was resumed has, perhaps to a Gate above
		g.flush()
	}
}

func (g *Gate) flush() {
	if g.wrote {
		g.Layer.Flush()
	}
	g.wrote = false
	g.passAll()
	g.foreign = min(g.foreign, g.Buffered())
}

// Write queues p behind what waits.
func (g *Gate) Write(p []byte) (int, error) {
	if !g.shut {
		return g.Layer.Write(p)
	}
	if err := g.admit(len(p)); err != nil {
		return 0, err
	}
	if g.dropped { // a producer goes on until it is told
		return len(p), nil
	}
	if g.through != nil && len(p) >= room && g.OwnTurn() {
		g.passAll()
		if g.heavy() > 0 {
			g.add(p)
		} else {
			g.through(p)
			g.passed += int64(len(p))
		}
	} else if len(p) > 0 {
		g.add(p)
	}
	if !g.wrote {
		g.wrote = true
		g.haveFlush()
	}
	g.pullAgain()
	g.tooFull()
	return len(p), nil
}

// tooFull stops reading at once while too much waits, so that a read full of requests
// is bounded, if nobody above paces himself. Who does is told when the event ends.
func (g *Gate) tooFull() {
	if g.heavy() > tooMuch && !g.PacesItself() {
		g.fill(waitsFull)
	}
}

// add copies p to what waits, for which it may have been given the room already.
func (g *Gate) add(p []byte) {
	switch {
	case g.waits == nil && len(p) <= room:
		g.waits = rooms.Get().(*[room]byte)[:0]
	case g.head > len(g.waits)/2 && len(g.waits)+len(p) > cap(g.waits):
		g.waits = g.waits[:copy(g.waits, g.waits[g.head:])]
		g.head = 0
	}
	old := g.waits
	if g.waits = append(old, p...); cap(old) == room && cap(g.waits) != room {
		rooms.Put((*[room]byte)(old[:room]))
	}
}

// admit refuses what is written behind an end, and bounds what the turns of others
// have wait, here and below, where Flush brings it in a turn of our own.
func (g *Gate) admit(n int) error {
	if g.refuses() {
		return net.ErrClosed
	}
	limit, waiting := g.MaxBacklog(), g.Buffered()
	g.foreign = min(g.foreign, waiting)
	if waiting == 0 || limit < 0 || g.OwnTurn() {
		return nil
	}
	first := g.foreign == 0 // of others; it may have any size
	if g.foreign += n; first || g.foreign <= limit {
		return nil
	}
	g.SetReason(ErrSlowPeer)
	g.Abort()
	return net.ErrClosed
}

// WriteShared queues a copy of p: what goes through is not p.
func (g *Gate) WriteShared(p []byte) (int, error) {
	if !g.shut {
		return g.Layer.WriteShared(p)
	}
	return g.Write(p)
}

// StartTLS asks below. What was written before has to be there, since it would be
// encrypted: the error is errors.ErrUnsupported while something waits.
func (g *Gate) StartTLS() error {
	if g.heavy() > 0 {
		return errors.ErrUnsupported
	}
	return g.Layer.StartTLS()
}

// AvailableBuffer lends the room behind what waits.
func (g *Gate) AvailableBuffer() []byte { return g.waits[len(g.waits):] }

// Buffered adds what waits to what the kernel has not taken.
func (g *Gate) Buffered() int { return g.heavy() + g.Below.Buffered() }

// Reading is false from the end on, also where that still waits.
func (g *Gate) Reading() bool { return g.ending&losing == 0 && g.Layer.Reading() }

// PauseWriting is told by below.
func (g *Gate) PauseWriting() { g.fill(belowFull) }

// ResumeWriting undoes it.
func (g *Gate) ResumeWriting() { g.empty(belowFull) }

// gauge pauses and resumes writers for what waits, when an event ends.
func (g *Gate) gauge() {
	switch n := g.heavy(); {
	case n > tooMuch:
		g.fill(waitsFull)
	case n > goOn || g.full&waitsFull == 0 || g.moving:
	case g.Below.Buffered() > goOn: // now it waits there
		g.moving = true
		g.Layer.Drained(func(err error) {
			if g.moving = false; err == nil {
				g.gauge()
			}
		})
	default:
		g.empty(waitsFull)
	}
}

func (g *Gate) fill(why uint8) {
	before := g.full
	if g.full |= why; before == 0 {
		g.pauseProducer()
		if g.ending&losing == 0 {
			g.Layer.PauseWriting()
		}
	}
}

func (g *Gate) empty(why uint8) {
	before := g.full
	if g.full &^= why; before != 0 && g.full == 0 {
		g.resumeProducer()
		if g.ending&losing == 0 {
			g.Layer.ResumeWriting()
		}
	}
}

// ConnectionLost tells who waits for the output, and then above.
func (g *Gate) ConnectionLost(reason error) {
	g.ending |= losing
	g.giveBack()
	defer g.Layer.ConnectionLost(reason) // also if one of these panics
	defer g.tellStops(reason)
	g.stopProducer()
}
