package protocol

import (
	"os"
	"time"
)

// What a Protocol may implement besides. The reactor finds these by [As], so
// they work through wrappers.

// An EOFReceiver decides what the peer's half-close means. Without one the
// connection is lost as by LoseConnection: what is owed is delivered first.
type EOFReceiver interface {
	// EOFReceived is told when the peer will send no more. If it keeps the
	// connection, writing goes on, and LoseConnection or CloseWrite ends it.
	EOFReceived() (keep bool)
}

// A WritePauser is told when its connection has more than the high-water mark
// (256 KiB) waiting to be sent, and when less than the low-water mark (64 KiB)
// is left. The calls come in pairs; the connection's end stands for a resume
// that is owed. A Protocol that is none has its reading paused instead, from
// inside the Write that went over the mark until the low-water mark is reached.
type WritePauser interface {
	PauseWriting()
	ResumeWriting()
}

// A ReadResumer is told when [Transport].Reading has become true again after a
// pause, in an event of its own, before anything more is read. That is where a
// framing hands up the messages it holds.
type ReadResumer interface {
	ReadResumed()
}

// A Shutdowner is told when the server is going down. It says goodbye and
// closes when it is done, within Config.DrainTimeout of package reactor (see
// [DrainEnd]). Other connections get LoseConnection instead.
type Shutdowner interface {
	Shutdown()
}

// A Flusher is called once before the output of a connection that was written
// to in this event is sent: the place to seal or to coalesce.
type Flusher interface {
	Flush()
}

// An InputHolder can forget the input that it has buffered (STARTTLS must).
type InputHolder interface {
	// DropInput forgets it and returns how many bytes that were.
	DropInput() int
}

// What a Transport may implement besides. Those of this module all do; a user
// asks with [As], which also works through layers.

// A Notifier tells what becomes of a connection.
type Notifier interface {
	// Drained calls f once, on the loop, when the kernel has taken all that was
	// written so far (nil), or when the connection ended first (the reason).
	// It is legal after LoseConnection too.
	Drained(f func(error))

	// Ended calls f once, with the reason, before ConnectionLost. forget takes
	// that back. If the connection has ended already f is called in a later
	// event.
	Ended(f func(reason error)) (forget func())

	// SetReason decides what ConnectionLost will be told; the first call holds.
	SetReason(err error)
}

// A SharedWriter sends the same bytes to many without a copy for each.
type SharedWriter interface {
	// WriteShared is Write for a p that nobody ever changes: it is queued by
	// reference, whatever its size. If p directly follows in memory what was
	// queued by the last WriteShared, the two become one.
	WriteShared(p []byte) (int, error)
}

// FileWeight is what a file that waits to be sent counts for in Buffered, whatever
// its length: it takes no memory, but a descriptor and a place in the queue.
const FileWeight = 16 << 10

// A FileSender sends files without their bytes passing through the program, where
// the system can (sendfile on Linux), and never waits for a disk on the loop.
type FileSender interface {
	// SendFile queues n bytes of f from the offset off on, or all up to the end of
	// the file if n is negative, in order with Write. The file's own offset is
	// neither used nor moved, so many connections may send one f at once.
	//
	// done is called once, on the loop, never from inside SendFile: with nil when
	// the kernel has taken the last byte, else with the reason why it will not,
	// before ConnectionLost, and with what it has taken. On a connection that
	// takes no Write any more it is told net.ErrClosed. f has to stay open, and
	// should not change, until then; closing it is the caller's.
	//
	// A file that has fewer than n bytes, or cannot be read, ends the connection as
	// by Abort, for what follows would be taken for the rest of it. The reason is
	// that of the file, io.ErrUnexpectedEOF in the first case (errors.Is).
	//
	// However long it is, a file does not pause reading or the writer. Each counts
	// as FileWeight in Buffered and all that goes by it, so many do.
	SendFile(f *os.File, off, n int64, done func(sent int64, err error))
}

// A BufferAvailer lends room for formatting, as a bufio.Writer does.
type BufferAvailer interface {
	// AvailableBuffer returns an empty slice with some capacity; a Write of
	// what was appended to it, before anything else is written, copies nothing.
	AvailableBuffer() []byte
}

// A TCPTuner sets options of its own socket while the connection lives, usually in
// ConnectionMade; those of factory.Socket hold from the beginning. The error is
// errors.ErrUnsupported if the socket is none of TCP, [net.ErrClosed] if the
// connection has ended, or else what the system says.
type TCPTuner interface {
	// SetNoDelay has small packets leave at once, or collects them (Nagle's
	// algorithm; RFC 9293, section 3.7.4).
	SetNoDelay(on bool) error

	// SetKeepAlive sets the idle time before and between the probes that find
	// out whether the peer is still there (RFC 9293, section 3.8.4), which is
	// rounded up to seconds. 15 s if zero; negative: no probes.
	SetKeepAlive(idle time.Duration) error

	// SetOOBInline leaves urgent data where it stands in the stream, or takes it
	// out, unread (RFC 9293, section 3.8.5; RFC 6093, section 6).
	SetOOBInline(on bool) error
}

// A TLSStarter can change to TLS in the middle of a connection, if below there is
// who can: Offer of package secure. Every Layer is one, to pass it on.
type TLSStarter interface {
	// StartTLS is called after the reply that allows it was written. The error is
	// errors.ErrUnsupported where nobody can, or where that reply still waits in a
	// [Gate] above who can. After any error the connection is aborted: the peer,
	// which was allowed to, goes on in TLS.
	StartTLS() error
}

// A ProducerRegistry paces a Producer by what the peer takes.
type ProducerRegistry interface {
	// RegisterProducer makes p the source of this connection's output. One that
	// is streaming (push) is paused above the high-water mark and resumed below
	// the low one. One that is not (pull) is resumed each time that nothing
	// waits to be sent, the first time soon after this call. While a producer
	// is registered LoseConnection waits. On a connection that is closing or
	// has ended p is told StopProducing. The error is [ErrProducer] if there is
	// a producer already.
	RegisterProducer(p Producer, streaming bool) error

	// UnregisterProducer lets a close go on that was waiting for the producer.
	UnregisterProducer()
}

// A ReadSuspender can be kept from reading by others than its protocol.
type ReadSuspender interface {
	// SuspendReading stops DataReceived, as PauseReading does, until resume is
	// called. Any number may do so at a time; none undoes what another, or the
	// protocol's PauseReading, has asked for. Calling resume again does nothing.
	SuspendReading() (resume func())
}

// A Producer writes to a transport as it is told to. The calls come on the loop.
type Producer interface {
	ResumeProducing()
	PauseProducing()
	StopProducing() // once, when the consumer has ended: it will take no more
}
