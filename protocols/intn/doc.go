// Package intn cuts a connection's input into strings of bytes that begin with
// their length as a binary number: a [Handler] hears them one at a time, and
// answers by its [Conn].
//
//	type echo struct{ intn.Base }
//
//	func (e *echo) StringReceived(s []byte) { e.SendString("you said: " + string(s)) }
//
//	f := factory.Each(func() protocol.Protocol { return intn.New(&echo{}) })
//
// Everything here belongs to the loop of its connection.
//
// # What a string is
//
// The prefix is a number without sign that counts the bytes behind it and not
// itself. [Config] chooses one of these; "hello" is sent as
//
//	Int8                   05 68 65 6c 6c 6f
//	Int16                  00 05 68 65 6c 6c 6f
//	Int16, LittleEndian    05 00 68 65 6c 6c 6f
//	Int32                  00 00 00 05 68 65 6c 6c 6f
//	Int32, LittleEndian    05 00 00 00 68 65 6c 6c 6f
//	Varint                 05 68 65 6c 6c 6f
//
// A varint is that of encoding/binary and of protocol buffers: seven bits in
// each byte, the lowest first, and the top bit says that another byte follows.
// One that has a byte more than it needs, or more than 64 bits, ends the
// connection with [ErrMalformed]; the other prefixes cannot be wrong. If the
// peer ends its side within a string, the reason is [ErrTruncated].
//
// # What a handler may do
//
// Pausing, closing and another limit hold from the very next string on, also if
// it has arrived already. What is held back by a pause is handed up when it
// ends, before anything more is read.
//
// # What it costs
//
// No byte is looked at twice, and a string that lies within one read is neither
// copied nor does it allocate. Of one that is split over reads the part that
// waits is copied, into memory that grows as bytes arrive, to twice their number
// at most: to announce much costs a peer much. A connection that owes nothing
// owns no buffer. The longest string, 99,999 bytes by default, bounds what a
// peer can make us hold, besides what one read brings while the handler pauses.
package intn
