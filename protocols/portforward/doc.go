// Package portforward is a proxy for streams: each connection that comes in gets
// one of its own to another address, and what either side says the other hears.
//
//	f := &portforward.Factory{Network: r, To: "192.0.2.1:25"}
//	r.Listen("tcp", "127.0.0.1:2525", f)
//
// A client is not read until it is connected through; what it has said by then waits
// where it is. From then on
//
//   - a side that takes less than the other sends slows the other down: no more
//     than the high-water mark and one read wait in here, each way. One that takes
//     nothing at all for Socket.SlowPeerTimeout (2 min) breaks the connection;
//   - the end of one stream becomes the end of the other, and the way back goes on;
//   - a connection that breaks, or was not to be had, breaks the other, so that
//     nobody takes a part for the whole. Once a side has ended its stream whatever
//     becomes of it is no harm to that stream: it is delivered first.
//
// A server that goes down lets its clients finish, for as long as DrainTimeout of
// package reactor lets them.
//
// Policies and layers stand around the Factory as around any other: a factory.Limit,
// a proxyproto.Config for a proxy behind proxies. The other address has all of
// Socket's settings, its timeout among them: Network: r.Tuned(factory.Socket{...}).
package portforward
