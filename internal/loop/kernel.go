package loop

import (
	"context"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/factory"
)

// A Kernel is all that a Loop knows of the system below it. Sockets are numbers,
// never negative. Errors of sockets are errno values, 0 for none; whoever drives
// the loop reports events with Event, Bell and Due. All methods but Wake, Listen,
// Dial, OpenDatagram, SendFile and the Close of a socket without Interest are called on
// the loop only.
type Kernel interface {
	DatagramKernel

	// Now is the time for users, Nanos the monotonic one that timers go by; it
	// is never 0.
	Now() time.Time
	Nanos() int64

	// Wake has Bell called soon. It may be called from any goroutine.
	Wake()

	// Arm has Due called when Nanos reaches at, which is above 0; it replaces an
	// earlier Arm.
	Arm(at int64)

	// Recv answers 0 and no error at the end of the stream. Send takes the
	// slices in order, as much as fits. EAGAIN stands for EINTR too.
	Recv(fd int, p []byte) (int, syscall.Errno)
	Send(fd int, ps [][]byte) (int, syscall.Errno)

	// SendFile sends of n bytes of f from off on as many as fit, at least one; 0
	// and no error is the end of the file. It may wait for a disk, so a worker
	// calls it; meanwhile the loop neither sends on the socket nor closes it.
	// ENOSYS, EOPNOTSUPP, EINVAL and EBADF say that f has to be read instead.
	SendFile(fd int, f *os.File, off, n int64) (int64, syscall.Errno)

	// CloseWrite sends our FIN. Close forgets the socket; with reset the peer
	// is told so (RST).
	CloseWrite(fd int)
	Close(fd int, reset bool)

	// Want changes which events are reported. Again asks for one more In, for
	// a socket that was left with something to take.
	Want(fd int, old, new Interest) error
	Again(fd int)

	// Err takes the socket's pending error. Peer fails until the socket is connected.
	Err(fd int) syscall.Errno
	Peer(fd int) (net.Addr, bool)
	Local(fd int) net.Addr

	// These set options of a TCP connection; a zero idle time is the default, a
	// negative one is never.
	SetNoDelay(fd int, on bool) error
	SetKeepAlive(fd int, idle time.Duration) error
	SetOOBInline(fd int, on bool) error

	// Listen opens a listening socket, Accept takes a connection from it. Shed
	// is called when Accept was out of descriptors: it turns away those who
	// wait, if it can, and says how many that were.
	Listen(network, addr string, s factory.Socket) (fd int, bound net.Addr, err error)
	Accept(fd int) (conn int, peer net.Addr, e syscall.Errno)
	Shed(fd int) int

	// Resolve turns a literal address into what Connect takes; ok is false if
	// that needs Dial. Connect begins to connect: EINPROGRESS is not a failure,
	// EAGAIN means later. Dial blocks, on a goroutine of its own.
	Resolve(network, addr string) (a net.Addr, ok bool, err error)
	Connect(network string, a net.Addr, s factory.Socket) (fd int, op string, e syscall.Errno)
	Dial(ctx context.Context, network, addr string, s factory.Socket) (fd int, err error)
}

// An Event says what a socket may be ready for. It is a hint: the next call on
// the socket tells the truth.
type Event uint8

// The events. Err stands for a hang-up too. Fin says that the peer's end of
// stream is there, behind what can be read; an edge-triggered poller, which will
// not say so again, has to.
const (
	In Event = 1 << iota
	Out
	Err
	Fin
)

// An Interest is what a socket's events are asked for.
type Interest uint8

// The interests. Read and ReadWrite are reported again as long as they hold;
// Quiet reports once that output fits again, a hang-up or an error, and never
// mentions input that waits.
const (
	None Interest = iota // not in the poller
	Quiet
	Read
	ReadWrite
)
