// Package netstring cuts a connection's input into netstrings, which may hold
// any bytes: a [Handler] hears them one at a time, and answers by its [Conn].
//
//	type echo struct{ netstring.Base }
//
//	func (e *echo) StringReceived(s []byte) { e.SendString("you said: " + string(s)) }
//
//	f := factory.Each(func() protocol.Protocol { return netstring.New(&echo{}) })
//
// Everything here belongs to the loop of its connection.
//
// # What a netstring is
//
// "hello" is sent as "5:hello,", nothing as "0:,". The grammar is that of
// https://cr.yp.to/proto/netstrings.txt:
//
//	netstring = length ":" *OCTET ","     ; as many octets as length says
//	length    = "0" / (%x31-39 *18DIGIT)  ; decimal, no sign, no leading zero
//
// What is not that ends the connection with [ErrMalformed], at the first byte
// that is wrong and with nothing handed up: where the next netstring would begin
// nobody knows. If the peer ends its side within a netstring, the reason is
// [ErrTruncated].
//
// # What a handler may do
//
// Pausing, closing and another limit hold from the very next netstring on, also
// if it has arrived already. What is held back by a pause is handed up when it
// ends, before anything more is read.
//
// # What it costs
//
// No byte is looked at twice, and a netstring that lies within one read is
// neither copied nor does it allocate. Of one that is split over reads the part
// that waits is copied, into memory that grows as bytes arrive, to twice their
// number at most: to announce much costs a peer much. A connection that owes
// nothing owns no buffer. The longest netstring, 99,999 bytes by default, bounds
// what a peer can make us hold, besides what one read brings while the handler
// pauses.
package netstring
