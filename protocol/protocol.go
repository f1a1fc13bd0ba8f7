package protocol

import (
	"io"
	"net"

	"github.com/torsion-go/torsion/clock"
)

// A Protocol handles the events of one connection. They come in this order, on
// the loop, and never from inside one of the Protocol's own calls:
//
//	ConnectionMade (DataReceived)* ConnectionLost
//
// A panic in one of them aborts this connection with a [*PanicError]; the loop
// goes on. What else a Protocol can hear it asks for by implementing
// [EOFReceiver], [WritePauser], [ReadResumer], [Shutdowner], [Flusher] or
// [InputHolder]; let the compiler check that it does:
//
//	var _ protocol.EOFReceiver = (*session)(nil)
type Protocol interface {
	// ConnectionMade is the first event.
	ConnectionMade(t Transport)

	// DataReceived hands over the next bytes, at least one, cut anywhere. They
	// are lent: data is overwritten after the return.
	DataReceived(data []byte)

	// ConnectionLost is the last event and comes once. The reason is never nil;
	// a clean end, whoever began it, is [ErrConnectionDone].
	ConnectionLost(reason error)
}

// A Transport is one connection as its Protocol sees it. All methods are legal
// in every event, the first and the last included, and belong to the loop. Its
// timers run on the loop and die with the connection.
type Transport interface {
	// Write queues a copy of p and never blocks. The bytes leave when the
	// current event has been handled. It answers len(p) and nil, or, once
	// LoseConnection, CloseWrite or Abort was called or the connection has
	// ended, 0 and [net.ErrClosed].
	io.Writer
	clock.Clock

	// LoseConnection ends the connection when what was written has been
	// delivered. Input that arrives meanwhile is thrown away.
	LoseConnection()

	// Abort ends the connection now and drops what was written.
	Abort()

	// CloseWrite sends the end of the stream (FIN) behind what was written.
	// Reading goes on; when the peer ends its side too, the connection ends.
	CloseWrite()

	// PauseReading stops DataReceived until ResumeReading.
	PauseReading()

	// ResumeReading ends PauseReading. DataReceived, or [ReadResumer] if that
	// is implemented, follows in a later event, never from inside this call.
	ResumeReading()

	// Reading reports whether input is wanted: not after LoseConnection, Abort
	// or the peer's end of stream, nor during any pause, the automatic one
	// included (see [WritePauser]). A framing asks before each message.
	Reading() bool

	// Buffered returns the bytes written that the kernel has not taken yet. Each
	// file of a [FileSender] counts as [FileWeight].
	Buffered() int

	// LocalAddr and RemoteAddr stay valid when the connection has ended.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr

	// Loop returns the loop on which the connection lives.
	Loop() Loop
}

// A Loop runs functions, one at a time, on its goroutine. Its timers belong to
// no connection.
type Loop interface {
	clock.Clock

	// Call runs f on the loop, in a later event than the caller's. It may be
	// called from anywhere, and calls run in the order in which they were made.
	// What is called before the loop runs waits for it. The error is nil if f
	// will run, and [ErrStopped] if it never will.
	Call(f func()) error
}

// A Worker has goroutines for work that blocks but ends by itself (a hash, a
// file); what waits for a peer needs a goroutine of its own. The loops of this
// module are Workers:
//
//	loop := t.Loop()
//	loop.(protocol.Worker).Work(func() {
//		sum := slow(data)
//		loop.Call(func() { t.Write(sum) })
//	})
type Worker interface {
	// Work runs f on a goroutine of a bounded pool, in the order of the calls.
	// f hands its result to the loop by Call. The error is [ErrStopped] if f
	// will not run. A panic in f is logged.
	Work(f func()) error
}
