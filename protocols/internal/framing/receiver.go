package framing

import "github.com/torsion-go/torsion/protocol"

// A Receiver is the Protocol around a framing's Handler, but for
// ConnectionMade. What has not been handed up yet lies in Input, also while the
// Handler is called, so that DropInput sees it.
type Receiver struct {
	// Handler is one of the framing; its abilities are those of the connection.
	Handler interface{ ConnectionLost(reason error) }

	// Input cuts what arrives.
	Input Input

	// Next hands up one message out of Input. It returns false if there is none.
	Next func() bool

	// Transport is set by ConnectionMade.
	Transport protocol.Transport
}

// An Input is what a connection has received and its Handler has not seen.
type Input interface {
	// Feed appends data, which is lent until Hold.
	Feed(data []byte)

	// Hold copies what is lent.
	Hold()

	// Drop forgets everything and returns how many bytes that were.
	Drop() int
}

// Inner returns the Handler for protocol.As.
func (r *Receiver) Inner() any { return r.Handler }

// DataReceived hands up the messages that data completes.
func (r *Receiver) DataReceived(data []byte) {
	r.Input.Feed(data)
	r.handUp()
}

// ReadResumed hands up what was held while the connection did not read. The
// Handler is first: what it holds came before.
func (r *Receiver) ReadResumed() {
	if h, ok := protocol.As[protocol.ReadResumer](r.Handler); ok {
		h.ReadResumed()
	}
	r.handUp()
}

// DropInput forgets what the Handler holds and what it has not seen.
func (r *Receiver) DropInput() int {
	n := r.Input.Drop()
	if h, ok := protocol.As[protocol.InputHolder](r.Handler); ok {
		n += h.DropInput()
	}
	return n
}

// ConnectionLost forgets the input and tells the Handler.
func (r *Receiver) ConnectionLost(reason error) {
	r.Input.Drop()
	r.Handler.ConnectionLost(reason)
}

// handUp gives the Handler what there is, for as long as it wants input. That is
// asked anew before each message, for the one before may have changed it.
func (r *Receiver) handUp() {
	for r.Transport.Reading() && r.Next() {
	}
	r.Input.Hold()
}

// setReason decides what ConnectionLost will be told, where that can be decided.
func (r *Receiver) setReason(err error) {
	if n, ok := protocol.As[protocol.Notifier](r.Transport); ok {
		n.SetReason(err)
	}
}

// fail ends the connection for the reason err, and delivers what was written.
func (r *Receiver) fail(err error) {
	r.Input.Drop()
	r.setReason(err)
	r.Transport.LoseConnection()
}
