package secure

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// Reasons for which connections end here. One whose handshake failed has a
// [*HandshakeError]; one that broke afterwards has the error of crypto/tls: a
// tls.RecordHeaderError, or a *net.OpError whose Op says on which side ("remote
// error", "local error") and whose text says which alert.
var (
	// ErrTruncated is the end of a stream without close_notify: whoever cut it may
	// not have been the peer (RFC 8446, section 6.1). It is an io.ErrUnexpectedEOF.
	ErrTruncated = fmt.Errorf("secure: no close_notify: %w", io.ErrUnexpectedEOF)

	// ErrPlaintextInjected is input in clear behind what allowed StartTLS, such as a
	// command pipelined behind STARTTLS. It would be taken for encrypted.
	ErrPlaintextInjected = errors.New("secure: input in clear behind StartTLS")

	// ErrHandshakeTimeout ends a handshake that takes too long, within a
	// [*HandshakeError].
	ErrHandshakeTimeout = errors.New("took too long")

	// ErrStarted is the answer to StartTLS on a connection that has it already.
	ErrStarted = errors.New("secure: TLS was started already")
)

// A HandshakeError is the reason of a connection whose handshake failed, unless the
// connection itself did (a reset), or was aborted.
type HandshakeError struct {
	Err error // why: crypto/tls's or x509's error, or ErrHandshakeTimeout
}

func (e *HandshakeError) Error() string { return "secure: handshake: " + e.Err.Error() }

// Unwrap returns why.
func (e *HandshakeError) Unwrap() error { return e.Err }

// Config says how connections are encrypted. Either Server or Client is set: which
// of the two sides of TLS is ours.
type Config struct {
	// Server is the configuration of the side that has a certificate, or a
	// function that gets one. It is used as it is and may be shared with other Configs, which then resume each
	// other's sessions. It must not be changed any more.
	Server *tls.Config

	// Client is the configuration of the other side, with the ServerName that the
	// certificate must have. Renegotiation is never done, whatever it says.
	Client *tls.Config

	// HandshakeTimeout is how long a handshake may take; 10 s if zero, any time if
	// negative.
	HandshakeTimeout time.Duration

	// NoTickets has a server hand out no session tickets over TLS 1.3, although
	// it takes those that others of the same tls.Config have handed out. A client
	// that only sends and then closes, as one that uploads a file, never reads its
	// ticket, and its system answers it with a reset that destroys the end of
	// what it sent.
	NoTickets bool
}

// Wrap returns f over TLS from the start. f builds its protocol when the
// handshake is done; if it is a [Factory], from what came of it. Where it builds
// none the connection is closed with [protocol.ErrRefused]. It panics unless one of
// Server and Client is set, and if Server has no certificate.
func (c Config) Wrap(f factory.Factory) factory.Factory {
	return watch(&wrapped{Factory: f, config: c.check()})
}

// Offer returns f over a connection that begins in clear and changes to TLS by
// StartTLS. It panics as Wrap does.
func (c Config) Offer(f factory.Factory) factory.Factory {
	config := c.check()
	return factory.Around(f, func(p protocol.Protocol, _ net.Addr) protocol.Protocol { return stack(config, p, nil) })
}

func (c Config) check() *Config {
	if (c.Server == nil) == (c.Client == nil) {
		panic("secure: a Config needs either Server or Client, and not both")
	}
	if s := c.Server; s != nil && len(s.Certificates) == 0 && s.GetCertificate == nil && s.GetConfigForClient == nil {
		panic("secure: Server needs Certificates, GetCertificate or GetConfigForClient")
	}
	if c.Client != nil && c.Client.Renegotiation != tls.RenegotiateNever {
		c.Client = c.Client.Clone()
		c.Client.Renegotiation = tls.RenegotiateNever
	}
	if c.NoTickets && c.Server != nil {
		c.Server = withoutTickets(c.Server)
	}
	return &c
}

func (c *Config) timeout() time.Duration {
	if c.HandshakeTimeout == 0 {
		return 10 * time.Second
	}
	return c.HandshakeTimeout
}

// conn returns the side of TLS that is ours.
func (c *Config) conn(m *memConn) *tls.Conn {
	if c.Server != nil {
		return tls.Server(m, c.Server)
	}
	return tls.Client(m, c.Client)
}

// A Factory builds the protocol of a connection from what its handshake came to:
// the name that the client asked for (ServerName), the application protocol
// (NegotiatedProtocol), the peer's certificates. It is what is given to Wrap, or is
// within the policies of package factory, which pass the question on.
type Factory interface {
	// BuildSecured is BuildProtocol when that is known.
	BuildSecured(peer net.Addr, state tls.ConnectionState) protocol.Protocol
}
