package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/emersion/go-sasl"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocols/internal/serial"
)

// A ClientConfig says to which server mail goes, and how. Network and Addr are
// needed.
type ClientConfig struct {
	// Network, Wrap and Socket are as a netconn.Dialer has them. The Network is a
	// reactor, and has to run (go r.Run(ctx)); an attempt to connect takes
	// Socket.Timeout.
	Network factory.Network
	Wrap    func(factory.Factory) factory.Factory
	Socket  factory.Socket

	// Addr is "mail.example.com:587", or the path of a Unix socket, which has a
	// slash.
	Addr string

	// Security says when TLS is used. The zero value sends nothing without it.
	Security Security

	// TLS tells more about it. The ServerName is the host of Addr if it is empty.
	TLS *tls.Config

	// User and Password are for servers that want to know who sends: by PLAIN, or
	// by LOGIN where there is nothing better. Auth is another way, and comes first.
	User, Password string
	Auth           sasl.Client

	// AllowInsecureAuth uses these even where somebody else may be the server, or
	// may listen: unless Security is TLSRequired or TLSImplicit, or Addr is a Unix socket.
	AllowInsecureAuth bool

	// LMTP speaks LMTP (RFC 2033) instead of SMTP.
	LMTP bool

	// LocalName is what the client calls itself: its domain, or, if it is empty, its
	// address (RFC 5321, section 4.1.4).
	LocalName string

	// Timeouts has the patience of RFC 5321 if it is zero.
	Timeouts ClientTimeouts
}

// New returns a Client. It does not connect before it has to. Without a Network it panics.
func (c ClientConfig) New() *Client {
	if c.Network == nil {
		panic("smtp: ClientConfig needs a Network")
	}
	c.Timeouts = c.Timeouts.orDefaults()
	client := &Client{config: c}
	client.runner = serial.Runner[*talk]{
		Name: "smtp",
		Loop: c.Network,
		Talk: func() *talk { return &talk{config: &client.config} },
		Idle: func() time.Time { return serial.By(client.config.Timeouts.Idle) },
	}
	return client
}

// Security says when a Client uses TLS.
type Security uint8

const (
	// TLSRequired begins in clear and changes by STARTTLS before it says more, or
	// gives up. For a Unix socket, which is on this machine, it is TLSNever.
	TLSRequired Security = iota

	// TLSOpportunistic changes by STARTTLS where that works, whoever the server
	// shows to be; otherwise all is sent in clear. It is for relays (RFC 7435).
	TLSOpportunistic

	// TLSImplicit begins with TLS, as on port 465 (RFC 8314).
	TLSImplicit

	// TLSNever sends all in clear.
	TLSNever
)

// ClientTimeouts says how long a Client waits: if a field is zero, as long as is
// given here, and if it is negative, for ever.
type ClientTimeouts struct {
	TLS      time.Duration // for a handshake; 30 s
	Greeting time.Duration // for the server's first words; 5 min
	Command  time.Duration // for the reply to a command; 5 min
	Data     time.Duration // for the reply to DATA; 2 min
	Block    time.Duration // for progress while the message is written; 3 min
	Final    time.Duration // for the reply to the message; 10 min
	Quit     time.Duration // for the reply to QUIT; 10 s
	Idle     time.Duration // for something to do, before QUIT; 1 min
}

func (t ClientTimeouts) orDefaults() ClientTimeouts {
	for field, d := range map[*time.Duration]time.Duration{
		&t.TLS:      30 * time.Second,
		&t.Greeting: 5 * time.Minute, // RFC 5321, section 4.5.3.2, as the next five
		&t.Command:  5 * time.Minute,
		&t.Data:     2 * time.Minute,
		&t.Block:    3 * time.Minute,
		&t.Final:    10 * time.Minute,
		&t.Quit:     10 * time.Second,
		&t.Idle:     time.Minute,
	} {
		if *field == 0 {
			*field = d
		}
	}
	return t
}

var (
	// ErrNoTLS is within the error of a server that does not start TLS.
	ErrNoTLS = errors.New("smtp: no TLS")

	// ErrNoAuth is within the error of a Client that cannot say who it is: the server
	// knows no way that it knows, or would have to be told in clear.
	ErrNoAuth = errors.New("smtp: no authentication")
)

// check finds what would go wrong before anything is sent.
func (c *ClientConfig) check() error {
	local := strings.IndexFunc(c.LocalName, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	where := "in clear"
	if c.security() == TLSOpportunistic {
		where = "where TLS proves nothing, or is not there"
	}
	switch {
	case !local:
		return &SendError{Verb: "EHLO", Err: refusal(501, EnhancedCode{5, 5, 4}, fmt.Sprintf("not a name: %q", c.LocalName))}
	case strings.Contains(c.User+c.Password, "\x00"): // it is what PLAIN puts between them
		return &SendError{Verb: "AUTH", Err: fmt.Errorf("%w: a NUL in user or password", ErrNoAuth)}
	case c.authenticates() && !c.verifies() && !c.unix() && !c.AllowInsecureAuth:
		return &SendError{Verb: "AUTH", Err: fmt.Errorf("%w %s", ErrNoAuth, where)}
	}
	return nil
}

func (c *ClientConfig) authenticates() bool { return c.User != "" || c.Auth != nil }

func (c *ClientConfig) unix() bool {
	return strings.Contains(c.Addr, "/") || strings.HasPrefix(c.Addr, "@")
}

func (c *ClientConfig) security() Security {
	if c.Security == TLSRequired && c.unix() {
		return TLSNever
	}
	return c.Security
}

// verifies reports whether there is TLS that proves who the server is, or no connection.
func (c *ClientConfig) verifies() bool {
	return c.security() == TLSRequired || c.security() == TLSImplicit
}

func (c *ClientConfig) dial(ctx context.Context) (net.Conn, error) {
	network := "tcp"
	if c.unix() {
		network = "unix"
	}
	return netconn.Dialer{Network: c.Network, Wrap: c.Wrap, Socket: c.Socket}.DialContext(ctx, network, c.Addr)
}

// tls is the configuration of a handshake. Without a certificate that is the right
// one an opportunist would go on in clear, which is no better.
func (c *ClientConfig) tls() *tls.Config {
	t := c.TLS.Clone()
	if t == nil {
		t = &tls.Config{}
	}
	if host, _, err := net.SplitHostPort(c.Addr); err == nil && t.ServerName == "" {
		t.ServerName = strings.TrimSuffix(host, ".")
	}
	t.InsecureSkipVerify = t.InsecureSkipVerify || c.Security == TLSOpportunistic
	return t
}

// localName is what the client calls itself on a connection from addr.
func (c *ClientConfig) localName(addr net.Addr) string {
	ip, err := netip.ParseAddrPort(addr.String())
	switch a := ip.Addr().Unmap().WithZone(""); {
	case c.LocalName != "":
		return c.LocalName
	case err != nil:
		return "localhost"
	case a.Is6():
		return "[IPv6:" + a.String() + "]"
	default:
		return "[" + a.String() + "]"
	}
}
