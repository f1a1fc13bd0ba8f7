package secure

import (
	"crypto/tls"
	"slices"
)

// extPreSharedKey is the extension of a client that would resume a session over
// TLS 1.3 (RFC 8446, section 4.2.11).
const extPreSharedKey = 41

// withoutTickets returns a configuration that resumes c's sessions and gives out
// no tickets over TLS 1.3. SessionTicketsDisabled alone would do neither, so each
// connection gets a clone that has it set when that is known to do no harm: at once,
// if the client brings no ticket, and otherwise when the ticket has been taken.
// Over TLS 1.2 tickets come before the handshake's end, where they are read.
func withoutTickets(c *tls.Config) *tls.Config {
	outer := c.Clone()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		chosen := c
		if c.GetConfigForClient != nil {
			other, err := c.GetConfigForClient(hello)
			if err != nil {
				return nil, err
			}
			if other != nil {
				chosen = other
			}
		}
		return silent(c, chosen, hello), nil
	}
	return outer
}

// silent returns the configuration of one connection: what c has chosen for it, with
// c's tickets, for which a clone would have keys of its own.
func silent(c, chosen *tls.Config, hello *tls.ClientHelloInfo) *tls.Config {
	one := chosen.Clone()
	if one.WrapSession == nil {
		one.WrapSession = c.EncryptTicket
	}
	unwrap := chosen.UnwrapSession
	if unwrap == nil {
		unwrap = decrypter(c, chosen)
	}
	one.UnwrapSession = unwrap
	switch {
	case !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) || chosen.MaxVersion != 0 && chosen.MaxVersion < tls.VersionTLS13:
	case !slices.Contains(hello.Extensions, extPreSharedKey):
		one.SessionTicketsDisabled = true
	default:
		one.UnwrapSession = func(identity []byte, state tls.ConnectionState) (*tls.SessionState, error) {
			session, err := unwrap(identity, state)
			one.SessionTicketsDisabled = true
			return session, err
		}
	}
	return one
}

// decrypter returns what takes a ticket: with the keys of what c has chosen, if it
// has been given some, and otherwise with c's. Which is the case nobody tells, so both
// are tried.
func decrypter(c, chosen *tls.Config) func([]byte, tls.ConnectionState) (*tls.SessionState, error) {
	return func(identity []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := chosen.DecryptTicket(identity, state)
		if session == nil && err == nil && chosen != c {
			session, err = c.DecryptTicket(identity, state)
		}
		return session, err
	}
}
