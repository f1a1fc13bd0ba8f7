package proxyproto

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// Reasons of a connection that never came to its protocol: it is aborted, as the
// specification wants it, and nobody above is told; the reactor logs the reason at
// Debug. If the factory inside builds no protocol it is protocol.ErrRefused.
var (
	// ErrNoHeader is beginning with anything but a header.
	ErrNoHeader = errors.New("proxyproto: no header")

	// ErrMalformed is a header that breaks the protocol, is of a family that has
	// no connections (UDP), has a wrong checksum, or is too long: above 107 bytes
	// (version 1) or 4 KiB behind the first 16 bytes (version 2).
	ErrMalformed = errors.New("proxyproto: malformed header")

	// ErrTruncated is ending one's side within a header. It is an
	// io.ErrUnexpectedEOF.
	ErrTruncated = fmt.Errorf("proxyproto: header: %w", io.ErrUnexpectedEOF)

	// ErrTimeout is sending no whole header within Config.Timeout.
	ErrTimeout = errors.New("proxyproto: no header in time")
)

// Config says who is believed. The zero value trusts nobody, and so refuses
// everybody. It may be shared by several loops.
type Config struct {
	// Trusted are the networks of the proxies. IPv4 peers are matched by IPv4
	// networks, also where a socket for both gives them IPv6 addresses.
	Trusted []netip.Prefix

	// TrustUnix trusts whoever connects to a Unix socket, which has no address:
	// the file's permissions are what protects it.
	TrustUnix bool

	// Direct serves peers that are not trusted as they come, by their own
	// addresses: a header of theirs is input like any other. Without it they are
	// refused.
	Direct bool

	// Timeout is how long a proxy has for the whole header; 5 s if zero, any time
	// if negative.
	Timeout time.Duration
}

// Wrap returns f behind proxies.
func (c Config) Wrap(f factory.Factory) factory.Factory {
	c.Trusted = slices.Clone(c.Trusted)
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	return &wrapped{f, c}
}

type wrapped struct {
	factory.Factory
	config Config
}

func (f *wrapped) Inner() any { return f.Factory }

// BuildProtocol is given the address of the socket's peer.
func (f *wrapped) BuildProtocol(peer net.Addr) protocol.Protocol {
	switch {
	case f.config.trusts(peer):
		return protocol.Stack(&layer{peer: peer, factory: f.Factory, timeout: f.config.Timeout}, nil)
	case f.config.Direct:
		return f.Factory.BuildProtocol(peer)
	}
	return nil
}

// WhyRefused says who may come instead, for the log.
func (f *wrapped) WhyRefused(peer net.Addr) error {
	r, ok := protocol.As[factory.Refuser](f.Factory)
	switch {
	case f.config.trusts(peer): // it was somebody else
		return nil
	case ok && f.config.Direct:
		return r.WhyRefused(peer)
	}
	return fmt.Errorf("%w: proxyproto: the peer is none of Config.Trusted", protocol.ErrRefused)
}

func (c *Config) trusts(peer net.Addr) bool {
	switch a := peer.(type) {
	case *net.UnixAddr:
		return c.TrustUnix
	case *net.TCPAddr:
		ip := a.AddrPort().Addr().Unmap().WithZone("")
		return slices.ContainsFunc(c.Trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	return false
}
