package ftp

import (
	"crypto/tls"
	"slices"
)

// An owner is whose sessions of TLS are meant: those of the control connection from this
// address, which no other has while it lives.
type owner string

// controlTLS returns c for control connections where data has to resume their sessions.
// Each has one of its own, in whose tickets it is named, and resumes none.
func controlTLS(c *tls.Config) *tls.Config {
	return forEach(c, func(hello *tls.ClientHelloInfo, one *tls.Config) {
		owner(hello.Conn.RemoteAddr().String()).signs(c, one)
		one.UnwrapSession = func([]byte, tls.ConnectionState) (*tls.SessionState, error) { return nil, nil }
	})
}

// dataTLS returns c for the data connections of an owner, which resume only its sessions.
func (o owner) dataTLS(c *tls.Config) *tls.Config {
	return forEach(c, func(_ *tls.ClientHelloInfo, one *tls.Config) {
		o.signs(c, one)
		unwrap := one.UnwrapSession
		if unwrap == nil {
			unwrap = c.DecryptTicket
		}
		one.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
			s, err := unwrap(ticket, state)
			if s == nil || !slices.ContainsFunc(s.Extra, func(e []byte) bool { return string(e) == string(o) }) {
				return nil, err
			}
			return s, err
		}
	})
}

// signs has one name the owner in the tickets it gives out, which are c's.
func (o owner) signs(c, one *tls.Config) {
	wrap := one.WrapSession
	if wrap == nil {
		wrap = c.EncryptTicket
	}
	one.WrapSession = func(state tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
		s.Extra = append(s.Extra, []byte(o))
		return wrap(state, s)
	}
}

// forEach returns c with a change to each connection's configuration, also where c itself
// chooses it.
func forEach(c *tls.Config, change func(*tls.ClientHelloInfo, *tls.Config)) *tls.Config {
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
		one := chosen.Clone()
		change(hello, one)
		return one, nil
	}
	return outer
}
