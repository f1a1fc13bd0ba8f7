// Package reactortest has the laws of every reactor as a suite of tests, and
// Memory, a reactor without a kernel.
//
// Whoever makes a reactor runs the suite over it:
//
//	func TestConformance(t *testing.T) {
//		reactortest.Test(t, reactortest.Harness{Name: "tcp4", Network: "tcp4", New: ..., Address: ...})
//	}
//
// and reads the table that go test -v -run Conformance prints: a line for each
// law, a column for each network. What a reactor cannot do (Adopt, Listener,
// Stats) and what a Harness has not (peers beside the reactor) is skipped.
//
// Every law also holds its reactor to these: ConnectionMade, then data, then
// ConnectionLost, once and with a reason; no event inside another; and in the end
// no descriptor and no goroutine is left.
//
// # Where the laws come from
//
// The letters are those of the parts of Twisted's own suite.
//
//	A core           part A, life: no iterate and no crash, as Run is all there is; during
//	                 and after startup are a posted Call; Stop is never an error
//	B events         parts A and B, calls; before-shutdown functions cannot be removed
//	C time           part C, timers
//	D threads        part D, workers; Ask stands for blockingCallFromThread
//	E descriptors    struck: files are no sources here, only sockets are
//	F every stream   part F, close, patience, transport, producers and files
//	G, H TCP         parts F, G pause and H; type errors are the compiler's; log
//	                 prefixes and the logs of start and stop are struck, as nobody parses them;
//	                 being out of descriptors is tested with package reactor, since it
//	                 takes the process's limit down
//	I datagrams      part I, over the datagrams that go with the column's network:
//	                 udp4, udp6, unixgram; those of layers are struck
//	J Unix           the column "unix"; modes and abstract names are tested with
//	                 package reactor; passing descriptors is struck. Part J, failing,
//	                 is what becomes of user code that panics
//	K TLS            struck: it is a layer, tested where it is made
//	L sockets        part L, adopt
//	T                part T, traps: each was seen to go wrong with code that looked right
//
// Unix sockets know no reset; laws about it are skipped in their column.
package reactortest
