package serial

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/torsion-go/torsion/protocols/secure"
)

// A Wire is the connection that the library of a client talks over. Who embeds it sets a
// deadline for each reply and each write; those of the library, for all of a command, are
// not heeded.
type Wire struct {
	net.Conn               // TLS too, once it is started
	In       *bufio.Reader // of all that is read
}

// NewWire returns a Wire whose In has room for size bytes.
func NewWire(c net.Conn, size int) Wire { return Wire{c, bufio.NewReaderSize(c, size)} }

func (w *Wire) SetDeadline(time.Time) error      { return nil }
func (w *Wire) SetReadDeadline(time.Time) error  { return nil }
func (w *Wire) SetWriteDeadline(time.Time) error { return nil }

// StartTLS changes to TLS. What came in clear behind the reply that allows it would be
// taken for encrypted (RFC 3207, section 4.2); what still comes breaks the handshake.
func (w *Wire) StartTLS(ctx context.Context, c *tls.Config, within time.Duration) error {
	if w.In.Buffered() > 0 {
		return secure.ErrPlaintextInjected
	}
	_ = w.Conn.SetDeadline(By(within))
	over := tls.Client(w.Conn, c)
	if err := over.HandshakeContext(ctx); err != nil {
		return &secure.HandshakeError{Err: err}
	}
	_ = w.Conn.SetDeadline(time.Time{})
	w.Conn = over
	w.In.Reset(over)
	return nil
}

// By is the deadline for what may take d; none if that is negative.
func By(d time.Duration) time.Time {
	if d < 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}
