package smtp

import (
	"io"
	"time"
)

// A Delivery takes whole messages. Local asks it, on a goroutine of the loop's
// pool, and several times at once.
type Delivery interface {
	// Deliver takes the message for all recipients of e, or for none. When it
	// returns nil the message is safe: the client is told so, and forgets it. An
	// *SMTPError is the reply; other errors are logged and answered with 451 4.3.0
	// (452 4.3.1 if the disk is full), so that the client tries again.
	//
	// The message has CRLF at the end of each line, but for the last perhaps, and
	// no other CR or LF. It may be used until Deliver returns. To be called without an
	// envelope, or without a message, is a mistake of the program's: those of this
	// package panic.
	Deliver(e *Envelope, message io.ReadSeeker) error
}

// Func is a function as a Delivery.
type Func func(e *Envelope, message io.ReadSeeker) error

// Deliver calls f.
func (f Func) Deliver(e *Envelope, message io.ReadSeeker) error { return f(e, message) }

// An Envelope is what is known of a message besides what is written in it.
type Envelope struct {
	Peer    *Peer       // who has brought it; Remote is nil if that is this program
	ID      string      // of this message on this server; in the reply and in Received
	Time    time.Time   // when it was taken
	From    string      // the reverse-path, empty for a bounce
	Options MailOptions // of MAIL
	To      []Recipient // at least one
}

// A Recipient is one of an Envelope.
type Recipient struct {
	Address string // user@domain in canonical form, or postmaster
	Options RcptOptions
}

// String is the address.
func (r Recipient) String() string { return r.Address }

// checkDeliver panics where a program has nothing to deliver.
func checkDeliver(e *Envelope, message io.ReadSeeker) {
	if e == nil || message == nil {
		panic("smtp: Deliver needs an Envelope and a message, and one is nil")
	}
}
