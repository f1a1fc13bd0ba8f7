package smtp

import (
	"cmp"
	"crypto/tls"
	"os"
	"strings"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
)

// Config is what a server has to know besides its Backend. The zero value serves
// in clear, without authentication.
type Config struct {
	// Domain is what the server calls itself: a domain, or an address literal. If it is
	// empty it is os.Hostname, or localhost where that is no domain.
	Domain string

	// TLS is the server's certificate and what else there is to TLS; see package
	// secure. Clients are offered STARTTLS (RFC 3207). Nil: everything is in clear.
	TLS *tls.Config

	// ImplicitTLS has connections begin with TLS, as on port 465 (RFC 8314). It needs
	// TLS.
	ImplicitTLS bool

	// AllowInsecureAuth takes passwords in clear, too.
	AllowInsecureAuth bool

	// LMTP speaks LMTP (RFC 2033) instead of SMTP.
	LMTP bool

	// EnableDSN offers DSN (RFC 3461). It is a promise of the Session's: to report
	// what becomes of a message, as its options ask for.
	EnableDSN bool

	// MaxMessageBytes is the size of the largest message; 25 MiB if zero, no limit
	// if negative. A message of exactly so many is taken.
	MaxMessageBytes int64

	// MaxRecipients is how many a message may have, and how many a client may ask
	// for in vain; 100 if zero, which is the least that RFC 5321 allows. Those that are
	// too many for a message are told 452, may come with the next, and count for nothing.
	MaxRecipients int

	// MaxMemory is how many bytes of a message are kept in memory; what is larger
	// goes to a file (see Spooler). 256 KiB if zero. Each connection may fill it and
	// wait: how many there may be bounds the memory of all (see factory.Limit).
	MaxMemory int

	// MaxErrors is how many commands a client may get wrong before it is sent away;
	// 10 if zero. A message that is taken wipes them out.
	MaxErrors int

	// CommandTimeout is how long a client may take for its next command, DataTimeout
	// for the next bytes of a message: 5 min each if zero. MessageTimeout is for a
	// whole message, 1 h if zero. Any time if negative. Who is too slow is told 421,
	// and nothing of his message is delivered.
	CommandTimeout, DataTimeout, MessageTimeout time.Duration
}

// New returns a Factory whose connections are served with the Sessions of b. Put
// limits, throttles and proxyproto around it, as around any. It panics if c cannot be
// served: without a Backend, with ImplicitTLS and no TLS, with a Domain that is none.
func (c Config) New(b Backend) factory.Factory {
	c.check(b)
	s := &server{Config: c.withDefaults(), backend: b}
	s.onLoop, _ = onLoop(b)
	f := factory.Each(func() protocol.Protocol {
		return line.Config{MaxLength: maxAuthLine}.New(&session{server: s})
	})
	return s.over(f)
}

// Busy returns a Factory that tells clients to come back later (421), for
// [factory.Limit].Overflow. It says so as New with the same Config would speak: with
// ImplicitTLS inside TLS. A Limit has one Overflow, so a port that begins with TLS and one
// that does not need a Limit each.
func (c Config) Busy() factory.Factory {
	s := &server{Config: c.withDefaults()}
	return s.over(factory.Each(func() protocol.Protocol {
		return line.Config{}.New(&busy{server: s})
	}))
}

// over puts TLS below f.
func (s *server) over(f factory.Factory) factory.Factory {
	switch {
	case s.TLS == nil:
		return f
	case s.ImplicitTLS:
		return secure.Config{Server: s.TLS}.Wrap(f)
	default:
		return secure.Config{Server: s.TLS}.Offer(f)
	}
}

// A server is what its connections share.
type server struct {
	Config
	backend Backend
	onLoop  bool // NewSession may be called there
}

func (c Config) withDefaults() Config {
	if c.Domain == "" {
		c.Domain = hostname()
	}
	c.MaxMessageBytes = cmp.Or(c.MaxMessageBytes, 25<<20)
	c.MaxRecipients = cmp.Or(c.MaxRecipients, 100)
	c.MaxMemory = cmp.Or(c.MaxMemory, 256<<10)
	c.MaxErrors = cmp.Or(c.MaxErrors, 10)
	c.CommandTimeout = limit(c.CommandTimeout, 5*time.Minute)
	c.DataTimeout = limit(c.DataTimeout, 5*time.Minute)
	c.MessageTimeout = limit(c.MessageTimeout, time.Hour)
	return c
}

// limit is d with its default; of none there is a century.
func limit(d, otherwise time.Duration) time.Duration {
	if d < 0 {
		return 100 * 365 * 24 * time.Hour
	}
	return cmp.Or(d, otherwise)
}

// hostname is what this machine calls itself, if that is a name for SMTP.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || !isDomain(name) || strings.HasPrefix(name, "[") {
		return "localhost"
	}
	return name
}

// A busy connection is one too many.
type busy struct {
	line.Base
	server *server
}

func (b *busy) ConnectionMade(c *line.Conn) {
	c.SendLine("421 4.3.2 " + b.server.Domain + " Too many connections, try again later")
	c.LoseConnection()
}

func (b *busy) LineReceived([]byte) {}
