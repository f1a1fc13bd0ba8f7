// Package torsion is the root of an event-loop networking framework in the
// spirit of Twisted, and has no code. A reactor drives non-blocking connections
// on one goroutine, a factory builds a protocol for each, and the protocol hears
// ConnectionMade, DataReceived (or LineReceived), ConnectionLost.
//
// Begin with the package comment of [github.com/torsion-go/torsion/protocol],
// which says on which goroutine callbacks run, whether they may block, who owns
// the bytes and what happens after a close. The folders:
//
//   - clock: Clock, Timer, and a Fake one for tests
//   - protocol: Protocol, Transport, Loop, Remote, and why connections end
//   - factory: what builds protocols; Network; limits, idle timeout, throttle, traffic
//     log, reconnecting
//   - deferred: results to come, coroutines on the loop
//   - protocols/line, netstring, intn: framings
//   - netconn: net.Conn and net.Listener on the loop
//   - protocols/secure: a layer that is TLS
//   - protocols/telnet: a layer that negotiates options
//   - protocols/proxyproto, portforward: the PROXY protocol, and a proxy
//   - protocols/group: one message to many connections
//   - protocols/smtp: a mail server, a client, and a queue
//   - protocols/ftp: a file server, a client, and mirrors
//   - protocols/wire, knock, chat: protocols to use and to learn from
//   - reactor: the event loop over real sockets
//   - protocoltest: one connection in memory, to test a protocol
//   - reactortest: a network in memory, and the conformance suite for reactors
//   - examples: programs
//
// Nothing in protocols knows a socket; who may import whom is a test of this
// package.
package torsion
