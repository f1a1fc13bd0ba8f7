package ftp

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocols/telnet"
)

// Config is what a server has to know besides its Backend. Network is needed.
type Config struct {
	// Network has the data connections: it listens and connects. A reactor, the one
	// on whose loop the sessions are.
	Network factory.Network

	// Greeting is said to who connects; "Torsion FTP" if empty. Lines are separated
	// by LF.
	Greeting string

	// TLS is the server's certificate and what else there is to TLS; see package
	// secure. Clients are offered AUTH TLS (RFC 4217). Nil: everything is in clear.
	TLS *tls.Config

	// ImplicitTLS has connections begin with TLS, as on port 990. It needs TLS.
	ImplicitTLS bool

	// RequireTLS lets nobody log in, and nothing be transferred, in clear. It needs TLS.
	// Without it a client decides: one that does not ask for TLS sends its password, and
	// all files, so that everybody on the way can read them.
	RequireTLS bool

	// RequireReuse refuses TLS on a data connection that does not resume the session of
	// its control connection: so it is known to be the same client's, also where others
	// have his address. Control connections resume no sessions then. It needs TLS.
	RequireReuse bool

	// AllowTruncation takes uploads over TLS whose end nobody has confirmed, as some
	// clients send them. Somebody between may have cut them.
	AllowTruncation bool

	// PassiveMin and PassiveMax bound the ports that PASV and EPSV listen on, from 1024
	// on; any if both are zero.
	PassiveMin, PassiveMax uint16

	// PublicAddr is the address that PASV tells a client, where ours is translated
	// (NAT); that of the control connection if nil, or if it returns none. It is called
	// on the loop, and may not wait for anything.
	PublicAddr func(client net.Addr) netip.Addr

	// DataPeer decides whether a data connection is the client's; nil: if it comes
	// from the address of the control connection. So nobody else takes what is his,
	// and nobody is connected to who has not asked for it (RFC 2577).
	DataPeer func(control, data net.Addr) bool

	// Data puts policies around the data connections of a session, for which it is called
	// once: [factory.Throttle].Together bounds how fast a client sends and receives, over
	// all of them.
	Data func(factory.Factory) factory.Factory

	// LoginTimeout is how long a client may take until it has logged in, whatever else it
	// says, and IdleTimeout for its next command; 5 min each if zero. The latter does not
	// count during a transfer, which TransferTimeout ends if nothing moves for so long:
	// 5 min if zero. OpenTimeout is for the data connection to come about: 30 s if zero.
	// Any time if negative.
	LoginTimeout, IdleTimeout, TransferTimeout, OpenTimeout time.Duration
}

// New returns a Factory whose connections are served for the users that b knows. Put
// limits and proxyproto around it, as around any. It panics if c cannot be served:
// without a Network or a Backend, with ImplicitTLS, RequireTLS or RequireReuse and no TLS,
// and with ports that are no range.
func (c Config) New(b Backend) factory.Factory {
	c.check(b)
	s := &server{Config: c.withDefaults(), backend: b}
	f := factory.Each(func() protocol.Protocol {
		return telnet.Config{BareCR: true}.New(line.Config{MaxLength: maxLine}.New(&session{server: s}))
	})
	control := s.TLS
	if control != nil && s.RequireReuse {
		control = controlTLS(control)
	}
	switch {
	case control == nil:
		return f
	case s.ImplicitTLS:
		return secure.Config{Server: control}.Wrap(f)
	default:
		return secure.Config{Server: control}.Offer(f)
	}
}

// Busy returns a Factory that tells clients to come back later (421), for
// [factory.Limit].Overflow. With ImplicitTLS it does so inside TLS, so ports of both
// kinds need a Limit each.
func (c Config) Busy() factory.Factory {
	f := factory.Each(func() protocol.Protocol { return line.New(&busy{}) })
	if c.ImplicitTLS && c.TLS != nil {
		return secure.Config{Server: c.TLS}.Wrap(f)
	}
	return f
}

// A busy connection is one too many.
type busy struct{ line.Base }

func (b *busy) ConnectionMade(c *line.Conn) {
	c.SendLine("421 Too many connections, try again later")
	c.LoseConnection()
}

func (b *busy) LineReceived([]byte) {}

// A server is what its connections share.
type server struct {
	Config
	backend Backend
}

func (c Config) withDefaults() Config {
	c.Greeting = cmp.Or(c.Greeting, "Torsion FTP")
	c.LoginTimeout = limit(c.LoginTimeout, 5*time.Minute)
	c.IdleTimeout = limit(c.IdleTimeout, 5*time.Minute)
	c.TransferTimeout = limit(c.TransferTimeout, 5*time.Minute)
	c.OpenTimeout = limit(c.OpenTimeout, 30*time.Second)
	if c.DataPeer == nil {
		c.DataPeer = sameHost
	}
	return c
}

// limit is d with its default; of none there is a century.
func limit(d, otherwise time.Duration) time.Duration {
	if d < 0 {
		return 100 * 365 * 24 * time.Hour
	}
	return cmp.Or(d, otherwise)
}

// sameHost compares addresses without their ports.
func sameHost(a, b net.Addr) bool {
	x, y := hostOf(a), hostOf(b)
	return x.IsValid() && x == y
}

// hostOf is the IP address of a; an IPv4 address is that also where IPv6 carries it.
func hostOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
