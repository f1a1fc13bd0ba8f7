// Package line cuts a connection's input into lines: a [Handler] hears them one
// at a time, and answers by its [Conn].
//
//	type echo struct{ line.Base }
//
//	func (e *echo) LineReceived(l []byte) { e.SendLine("you said: " + string(l)) }
//
//	f := factory.Each(func() protocol.Protocol { return line.New(&echo{}) })
//
// Everything here belongs to the loop of its connection.
//
// # What a line is
//
// A line ends with CRLF. A CR or LF that stands alone is part of the line: a
// server that took it for an end where its neighbours do not could be made to
// see commands that were smuggled past them. [Config].AcceptLF is for protocols
// of which people type the input. What the peer's last line lacks of its ending
// when the connection ends makes it no line, and it is dropped; a Handler that
// wants it is a protocol.EOFReceiver and asks [Conn.ClearLineBuffer].
//
// # What a handler may do
//
// Pausing, closing, another delimiter, another limit and raw mode hold from the
// very next line on, also if it has arrived already. Lines that are held back
// by a pause are handed up when it ends, before anything more is read. So one that
// asks question by question may be a coroutine: see the example of RunOn in package
// deferred.
//
// # What it costs
//
// No byte is searched twice, and a line that lies within one read is neither
// copied nor does it allocate. Of a line that is split over reads the part that
// waits is copied; a connection that owes no line owns no buffer. The longest
// line bounds what a peer can make us hold, besides what one read brings while
// the handler pauses.
package line
