package factory

import (
	"errors"
	"net"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocol"
)

// ErrIdle ends a connection whose peer was silent for too long; see [Idle].
var ErrIdle = errors.New("peer was silent for too long")

// An Idle ends connections on which nothing is said, by either side, as by
// LoseConnection (of the layers above, if there are any) and with the reason
// [ErrIdle]. It is not silence while input is not read (Transport.Reading is false;
// for ever so when the peer has ended its side and the protocol goes on), nor while
// the peer has output to take: the time then counts from when the last of it left,
// and a peer that takes nothing is ended by Socket.SlowPeerTimeout.
//
// With InputOnly what we say does not count, and a peer that is to be heard has to say
// something: for servers that speak unasked, where nobody else would ever be dropped.
type Idle struct {
	Timeout   time.Duration // 5 min if zero; negative: never
	InputOnly bool
}

// Around returns f with the timeout on each of its connections.
func (i Idle) Around(f Factory) Factory {
	switch {
	case i.Timeout < 0:
		return f
	case i.Timeout == 0:
		i.Timeout = 5 * time.Minute
	}
	return Around(f, func(p protocol.Protocol, _ net.Addr) protocol.Protocol {
		return &watched{Protocol: p, idle: i}
	})
}

// watched is a connection with a timer, which all input and output moves.
type watched struct {
	protocol.Protocol
	idle      Idle
	flusher   protocol.Flusher // the protocol's, or nil
	transport protocol.Transport
	timer     clock.Timer
}

func (w *watched) Inner() any { return w.Protocol }

func (w *watched) ConnectionMade(t protocol.Transport) {
	w.transport = t
	w.flusher, _ = protocol.As[protocol.Flusher](w.Protocol)
	w.timer = t.AfterFunc(w.idle.Timeout, w.silent)
	protocol.Connect(w.Protocol, t)
}

func (w *watched) DataReceived(data []byte) {
	w.timer.Reset(w.idle.Timeout)
	w.Protocol.DataReceived(data)
}

// Flush comes before output is sent.
func (w *watched) Flush() {
	if w.flusher != nil {
		w.flusher.Flush()
	}
	if !w.idle.InputOnly {
		w.timer.Reset(w.idle.Timeout)
	}
}

// silent is called when nothing that counts has been received or written for so long.
func (w *watched) silent() {
	t := w.transport
	n, ok := protocol.As[protocol.Notifier](t)
	switch {
	case ok && t.Buffered() > 0 && !w.idle.InputOnly:
		n.Drained(w.drained)
	case !t.Reading():
		w.timer.Reset(w.idle.Timeout)
	default:
		if ok {
			n.SetReason(ErrIdle)
		}
		protocol.LoseConnection(w.Protocol, t)
	}
}

func (w *watched) drained(err error) {
	if err == nil {
		w.timer.Reset(w.idle.Timeout)
	}
}
