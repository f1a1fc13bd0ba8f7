package ftp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocols/internal/serial"
)

// A ClientConfig says which server is meant, and how to talk to it. Network and Addr
// are needed.
type ClientConfig struct {
	// Network, Wrap and Socket are as a netconn.Dialer has them, for the connection
	// to the server and for those that carry data. The Network is a reactor; an
	// attempt to connect takes Socket.Timeout.
	Network factory.Network
	Wrap    func(factory.Factory) factory.Factory
	Socket  factory.Socket

	// Addr is "ftp.example.com:21".
	Addr string

	// Security says when TLS is used. The zero value says and sends nothing without
	// it.
	Security Security

	// TLS tells more about it. The ServerName is the host of Addr if it is empty, and
	// there is a ClientSessionCache if it has none: many servers want the connections
	// for data to resume the session of the other.
	TLS *tls.Config

	// User and Password log in; as anonymous if User is empty.
	User, Password string

	// AllowInsecureAuth tells the password in clear if Security is TLSNever.
	AllowInsecureAuth bool

	// AllowTruncation takes a TLS connection that ends without saying so
	// (close_notify) for the end of the data, as some servers end them. Whoever is on
	// the way can cut a file short then, where the server does not tell its size.
	AllowTruncation bool

	// MaxEntries is how many a listing may have; 100,000 if zero. Its bytes are
	// bounded by 256 times that.
	MaxEntries int

	// Progress is told how far a transfer is, ten times a second at the most and
	// at its end, once for each state, and not of one that fails before a byte has
	// moved: on the loop where a Deferred was asked for, otherwise on the Client's
	// goroutine, which it holds up.
	Progress func(Progress)

	// Timeouts has some patience if it is zero.
	Timeouts ClientTimeouts
}

// Progress is how far a transfer is.
type Progress struct {
	Name  string // of the file at the server
	Bytes int64  // so far, with those before the offset
	Size  int64  // of the whole file, as the server says, or a Reader with Len or Seek; -1 if nobody does
}

// New returns a Client. It does not connect before it has to. Without a Network it panics.
func (c ClientConfig) New() *Client {
	if c.Network == nil {
		panic("ftp: a ClientConfig needs a Network")
	}
	c.Timeouts = c.Timeouts.orDefaults()
	if c.MaxEntries == 0 {
		c.MaxEntries = 100_000
	}
	c.TLS = c.tls()
	client := &Client{config: c}
	client.runner = serial.Runner[*talk]{
		Name: "ftp",
		Loop: c.Network,
		Talk: func() *talk { return &talk{config: &client.config} },
		Idle: func() time.Time { return serial.By(client.config.Timeouts.Idle) },
	}
	return client
}

// Security says when a Client uses TLS.
type Security uint8

const (
	// TLSRequired begins in clear and changes by AUTH TLS before it says more, or gives
	// up (RFC 4217).
	TLSRequired Security = iota

	// TLSImplicit begins with TLS, as on port 990.
	TLSImplicit

	// TLSNever sends all in clear.
	TLSNever
)

// ClientTimeouts says how long a Client waits: if a field is zero, as long as is
// given here, and if it is negative, for ever.
type ClientTimeouts struct {
	TLS      time.Duration // for a handshake; 30 s
	Greeting time.Duration // for the server's first words; 1 min
	Command  time.Duration // for the reply to a command; 1 min
	Data     time.Duration // for progress of a transfer; 1 min
	Final    time.Duration // for the reply when the data is over; 5 min
	Cancel   time.Duration // for that reply when the transfer was given up; 10 s
	Quit     time.Duration // for the reply to QUIT; 10 s
	Idle     time.Duration // for something to do, before QUIT; 1 min
}

func (t ClientTimeouts) orDefaults() ClientTimeouts {
	for field, d := range map[*time.Duration]time.Duration{
		&t.TLS:      30 * time.Second,
		&t.Greeting: time.Minute,
		&t.Command:  time.Minute,
		&t.Data:     time.Minute,
		&t.Final:    5 * time.Minute,
		&t.Cancel:   10 * time.Second,
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
	ErrNoTLS = errors.New("ftp: no TLS")

	// ErrNoAuth is within the error of a Client that cannot log in: the password would
	// have to be told in clear, or the server wants to know more.
	ErrNoAuth = errors.New("ftp: no authentication")
)

// check finds what would go wrong before anything is sent.
func (c *ClientConfig) check() error {
	user, password := c.login()
	switch {
	case sayable(user) != nil:
		return &ClientError{Verb: "USER", Err: sayable(user)}
	case sayable(password) != nil:
		return &ClientError{Verb: "PASS", Err: fmt.Errorf("%w: a password with CR, LF or NUL", ErrNoAuth)}
	case c.User != "" && c.Security == TLSNever && !c.AllowInsecureAuth:
		return &ClientError{Verb: "PASS", Err: fmt.Errorf("%w in clear, unless AllowInsecureAuth allows it", ErrNoAuth)}
	}
	return nil
}

func (c *ClientConfig) login() (user, password string) {
	if c.User == "" {
		return "anonymous", "anonymous@"
	}
	return c.User, c.Password
}

func (c *ClientConfig) dial(ctx context.Context, addr string) (net.Conn, error) {
	return netconn.Dialer{Network: c.Network, Wrap: c.Wrap, Socket: c.Socket}.DialContext(ctx, "tcp", addr)
}

// tls is the configuration of all handshakes.
func (c *ClientConfig) tls() *tls.Config {
	t := c.TLS.Clone()
	if t == nil {
		t = &tls.Config{}
	}
	if host, _, err := net.SplitHostPort(c.Addr); err == nil && t.ServerName == "" {
		t.ServerName = strings.TrimSuffix(host, ".")
	}
	if t.ClientSessionCache == nil {
		t.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	return t
}
