package factory

import (
	"io/fs"
	"net"
	"net/netip"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// A Network listens and connects. A reactor is one; a protocol that needs the
// network takes one. Its methods may be called from any goroutine.
type Network interface {
	protocol.Loop

	// Listen announces on the local address and serves each connection with a
	// protocol of f. Networks and addresses are those of net.Listen: "tcp",
	// "tcp4", "tcp6" and "unix" (a name that begins with @ is abstract). The
	// port is bound when Listen returns, so a mistake is an error here: a
	// *net.OpError with the address. The error is protocol.ErrStopped when the
	// network stops.
	Listen(network, addr string, f Factory) (Port, error)

	// Connect begins to connect and returns at once. What becomes of it f hears
	// if it is a Watcher; it is tried once, [Reconnecting] tries again.
	Connect(network, addr string, f Factory) Connector

	// Tuned returns the same network, opening its sockets with these settings.
	Tuned(s Socket) Network
}

// A Port is an address that is listened on. Its methods may be called from any
// goroutine.
type Port interface {
	// Addr is the bound address, with the real port if 0 was asked for.
	Addr() net.Addr

	// Close stops listening; established connections stay. Closing a closed
	// port does nothing. The address is free when the loop has seen to it,
	// which it has when Close returns to a goroutine that is none of its pool's loops.
	Close() error
}

// A LoopCloser is a Port that need not find out whether its caller is on the loop, which is
// dear: only a trace of the whole stack tells. The ports of reactors are LoopClosers.
type LoopCloser interface {
	Port

	// CloseOnLoop is Close, on the loop only.
	CloseOnLoop()
}

// A Connector makes one client connection at a time. Its methods may be called
// from any goroutine.
type Connector interface {
	// Addr is the address as it was asked for.
	Addr() string

	// Connect begins another attempt when there is neither an attempt nor a
	// connection; otherwise it does nothing.
	Connect()

	// Stop ends an attempt: ConnectFailed follows with protocol.ErrConnectionAborted.
	// A connection that is there ends as by LoseConnection.
	Stop()

	// Stopped reports whether Stop was called, and no Connect after it.
	Stopped() bool
}

// Socket tunes what a Network opens. Zero fields have the defaults given here;
// a negative duration means never, unless it says otherwise.
type Socket struct {
	LocalAddr netip.AddrPort // clients: connect from here; any if invalid
	LocalPath string         // clients of "unixgram": the path to be answered at; chosen by the system, on Linux, if empty
	Timeout   time.Duration  // clients: for the whole attempt, names included; 30 s

	Backlog     int           // listeners: of connections not accepted; the system's maximum
	ReusePort   bool          // listeners: several may share the address (SO_REUSEPORT)
	UnixMode    fs.FileMode   // listeners: permissions of a Unix socket's file; 0 leaves the umask's
	ReadBuffer  int           // bytes; the system's default
	WriteBuffer int           // bytes; the system's default
	Delay       bool          // leave Nagle's algorithm on; off by default (TCP_NODELAY)
	OOBInline   bool          // urgent data stays in the stream (SO_OOBINLINE)
	KeepAlive   time.Duration // idle time before and between TCP keep-alive probes; 15 s

	MaxDatagram int // of datagram ports: bytes received at once, longer ones are dropped; 65535; 16 MiB at the most

	HighWater       int           // bytes queued that pause the writer; 256 KiB
	LowWater        int           // bytes queued that let it resume; a quarter of HighWater
	MaxBacklog      int           // bytes queued by others that end a connection with ErrSlowPeer; 1 MiB; negative: no limit
	SlowPeerTimeout time.Duration // without a byte taken while some wait, then ErrSlowPeer; 2 min
	CloseTimeout    time.Duration // the same after LoseConnection, then ErrCloseTimeout; 30 s
	LingerTimeout   time.Duration // after the FIN, for the peer's; 2 s; negative: none, close at once
}
