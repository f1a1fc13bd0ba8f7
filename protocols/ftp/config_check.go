package ftp

import "fmt"

// check panics if c and b cannot be served: a program finds that out when it starts, and
// not by its first client.
func (c *Config) check(b Backend) {
	f, isFunc := b.(BackendFunc)
	switch {
	case c.Network == nil:
		panic("ftp: a Config needs a Network")
	case b == nil || isFunc && f == nil:
		panic("ftp: New needs a Backend, and was given nil")
	case c.TLS != nil:
	case c.ImplicitTLS:
		panic("ftp: ImplicitTLS needs TLS")
	case c.RequireTLS:
		panic("ftp: RequireTLS needs TLS")
	case c.RequireReuse:
		panic("ftp: RequireReuse needs TLS")
	}
	c.checkPorts()
}

// checkPorts does so for those of data connections.
func (c *Config) checkPorts() {
	low, high := c.PassiveMin, c.PassiveMax
	if low == 0 && high == 0 || lowest <= low && low <= high {
		return
	}
	panic(fmt.Sprintf("ftp: PassiveMin and PassiveMax are %d and %d: set neither, or both, from %d on, the lower first", low, high, lowest))
}
