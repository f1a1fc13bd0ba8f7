package smtp

import (
	"fmt"
	"strings"
)

// check panics if c and b cannot be served: a program finds that out when it starts, and
// not by its first client.
func (c *Config) check(b Backend) {
	switch b := b.(type) {
	case nil:
		panic(noBackend)
	case BackendFunc:
		if b == nil {
			panic(noBackend)
		}
	case *Local:
		if b == nil {
			panic("smtp: New needs a Backend, and was given a nil *Local")
		}
		b.check()
	}
	switch {
	case c.ImplicitTLS && c.TLS == nil:
		panic("smtp: ImplicitTLS needs TLS")
	case c.Domain != "" && !isGreeting(c.Domain):
		panic(fmt.Sprintf("smtp: Config.Domain is %.300q, which is no domain and no address literal", c.Domain))
	}
}

const noBackend = "smtp: New needs a Backend, and was given nil"

// check panics where a Delivery looks like one and is none.
func (l *Local) check() {
	for field, d := range map[string]Delivery{"Delivery": l.Delivery, "Outgoing": l.Outgoing} {
		missing := false
		switch d := d.(type) {
		case Func:
			missing = d == nil
		case *Maildir:
			missing = d == nil
		case *Inbox:
			missing = d == nil
		case *Queue:
			missing = d == nil
		}
		if missing {
			panic(fmt.Sprintf("smtp: Local.%s is a nil %T; leave it out, or make one", field, d))
		}
	}
}

// isGreeting reports whether a server may call itself so (RFC 5321, section 4.2). Hosts
// have names with underscores, too, which the grammar does not allow and clients do.
func isGreeting(name string) bool {
	return isDomain(strings.ReplaceAll(name, "_", "x"))
}
