package line

import (
	"slices"

	"github.com/torsion-go/torsion/protocol"
)

// A receiver is the Protocol around a Handler. What it has not handed up yet
// lies in split, also while it calls the Handler, so that DropInput sees it.
type receiver struct {
	h     Handler
	conn  Conn
	split Splitter
	raw   *rawMode // nil: lines

	busy    bool // handing up, or ended
	waiting bool // a timer will
}

// rawMode is what only those need whose lines are interrupted.
type rawMode struct {
	h    RawHandler
	lent []byte // what RawDataReceived is looking at
}

// Inner returns the Handler, whose abilities are those of the connection.
func (r *receiver) Inner() any { return r.h }

func (r *receiver) ConnectionMade(t protocol.Transport) {
	if r.conn.Transport != nil {
		panic(protocol.Reused)
	}
	r.conn = Conn{t, r}
	if b, ok := protocol.As[interface{ connect(*Conn) }](r.h); ok {
		b.connect(&r.conn)
	}
	r.h.ConnectionMade(&r.conn)
}

func (r *receiver) DataReceived(data []byte) {
	r.split.Feed(data)
	r.handUp()
}

// ReadResumed hands up what was held while the connection did not read. The
// Handler is first: what it holds came before.
func (r *receiver) ReadResumed() {
	if h, ok := protocol.As[protocol.ReadResumer](r.h); ok {
		h.ReadResumed()
	}
	r.handUp()
}

// DropInput forgets what the Handler holds and what it has not seen.
func (r *receiver) DropInput() int {
	n := r.split.Len()
	r.split.Take()
	if h, ok := protocol.As[protocol.InputHolder](r.h); ok {
		n += h.DropInput()
	}
	return n
}

func (r *receiver) ConnectionLost(reason error) {
	r.split.Take()
	r.busy = true
	r.h.ConnectionLost(reason)
}

// handUp gives the Handler what there is, for as long as it wants input. Before
// each message everything is asked anew, for the Handler may have changed it.
func (r *receiver) handUp() {
	r.busy = true
	for r.conn.Reading() {
		if r.raw == nil && r.split.Next() {
			r.h.LineReceived(r.split.line)
		} else if !r.other() {
			break
		}
	}
	r.split.Hold()
	r.busy = false
}

// other hands up what is no line. It returns false if there is none.
func (r *receiver) other() bool {
	switch {
	case r.raw != nil:
		return r.nextRaw()
	case r.split.Err() != nil:
		r.tooLong()
		return true
	}
	return false
}

func (r *receiver) nextRaw() bool {
	raw, data := r.raw, r.split.Take()
	if len(data) == 0 {
		return false
	}
	raw.lent = data
	raw.h.RawDataReceived(data)
	raw.lent = nil
	return true
}

// tooLong ends the connection unless the Handler keeps it.
func (r *receiver) tooLong() {
	r.split.Skip()
	if h, ok := protocol.As[TooLong](r.h); ok && h.LineTooLong(r.split.Limit()) {
		return
	}
	if n, ok := protocol.As[protocol.Notifier](r.conn.Transport); ok {
		n.SetReason(ErrTooLong)
	}
	r.conn.LoseConnection()
}

// unread puts input back in front of the rest. The end of what RawDataReceived
// was lent is lent to us for as long as we are busy, and need not be copied.
func (r *receiver) unread(extra, lent []byte) {
	n := len(extra)
	if n == 0 {
		return
	}
	tail := lent[max(0, len(lent)-n):]
	if len(tail) == n && &tail[0] == &extra[0] && r.split.Len() == 0 {
		r.split.Feed(tail)
		return
	}
	all := slices.Concat(extra, r.split.Take())
	r.split.Feed(all)
	r.split.own = true
}

// later hands up, in an event to come, what has waited for a change that was
// made outside of the Handler's own events.
func (r *receiver) later() {
	if r.busy || r.waiting || r.split.Len() == 0 {
		return
	}
	r.waiting = true
	r.conn.AfterFunc(0, func() {
		r.waiting = false
		r.handUp()
	})
}
