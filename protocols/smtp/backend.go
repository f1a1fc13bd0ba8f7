package smtp

import (
	"crypto/tls"
	"io"
	"net"
)

// A Backend makes the Session of each connection: when the client has said who it
// is (EHLO, HELO, LHLO), and again when it has changed to TLS. An error is the
// reply, as those of a [Session] are, and ends the connection. It is asked where Sessions
// are; see there.
type Backend interface {
	NewSession(p *Peer) (Session, error)
}

// BackendFunc is a function as a Backend.
type BackendFunc func(p *Peer) (Session, error)

// NewSession calls f.
func (f BackendFunc) NewSession(p *Peer) (Session, error) { return f(p) }

// A Peer is whom a Session talks to. That of mail which this program has made itself has
// no addresses: reports of a [Queue], and whatever else is given to Local.Deliver.
type Peer struct {
	Remote   net.Addr             // the client, or nil; what the PROXY protocol says, if that is below
	Local    net.Addr             // the address it has connected to, or nil
	Server   string               // what we call ourselves: Config.Domain
	Hostname string               // what it called itself: a domain or an address literal, printable, not verified
	ESMTP    bool                 // by EHLO or LHLO
	LMTP     bool                 // by LHLO
	TLS      *tls.ConnectionState // nil in clear
	User     string               // who it has proved to be; for the Session to set
}

// A LoopSession is a Session, or a Backend, that says which of its calls never wait
// for anything. These are made on the loop, which is cheaper.
type LoopSession interface {
	// OnLoop reports whether commands (NewSession, Mail, Rcpt, Reset and Logout),
	// and whether Data and LMTPData are called on the loop. The answer may not
	// change. Auth and what it returns are always called elsewhere.
	OnLoop() (commands, data bool)
}

// A Spooler is a Session that keeps messages which are too large for memory (see
// Config.MaxMemory) in a file of its own. Those of others go to a file without a
// name in os.TempDir.
type Spooler interface {
	// Spool returns where the message is written to that begins now, after Rcpt.
	// It may block, as the methods of the Spool may.
	Spool() (Spool, error)
}

// A Spool holds a message while it arrives. An *os.File is one. It is written to
// from its beginning to its end, rewound to 0 by Seek, handed to Data, which knows
// its own, and closed when it is not needed any more: after Data, or without it if
// the message did not become whole.
type Spool interface {
	io.ReadWriteSeeker
	io.Closer
}
