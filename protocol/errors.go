package protocol

import (
	"errors"
	"fmt"
	"syscall"
)

// Reasons for which connections end, besides the errors of system calls
// ([*os.SyscallError]) and those that layers and framings define. Test for them
// with errors.Is.
var (
	// ErrConnectionDone is the clean end, whichever side began it.
	ErrConnectionDone = errors.New("connection done")

	// ErrConnectionAborted is the end by our own Abort.
	ErrConnectionAborted = errors.New("connection aborted")

	// ErrCloseTimeout ends a connection whose peer did not take, after
	// LoseConnection, what was owed to it (CloseTimeout).
	ErrCloseTimeout = errors.New("peer took too long to take the last bytes")

	// ErrSlowPeer ends a connection for which more than MaxBacklog waits, or of
	// which the peer has taken nothing for SlowPeerTimeout. [Remote] answers it
	// instead of queueing more.
	ErrSlowPeer = errors.New("peer reads too slowly")

	// ErrShutdown is part of the reason of all that end because the reactor
	// stops.
	ErrShutdown = errors.New("reactor is shutting down")
)

// Other errors of reactors and transports.
var (
	// ErrStopped is the answer of a reactor that has stopped, or is about to.
	ErrStopped = errors.New("reactor has stopped")

	// ErrRefused is the failure of a client whose factory built no protocol.
	ErrRefused = errors.New("connection refused by our own factory")

	// ErrPanicked is the answer of Ask for a function that panicked on the loop.
	ErrPanicked = errors.New("function panicked on the loop")

	// ErrProducer is the answer to a second producer.
	ErrProducer = errors.New("a producer is registered already")
)

// A PanicError is the reason of a connection that ended because a callback of
// its protocol panicked. It has been logged with its stack.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // of the goroutine, as debug.Stack formats it
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in a protocol: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// IsReset reports whether err says that the peer broke the connection:
// ECONNRESET, or EPIPE when its end of stream had come before.
func IsReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
