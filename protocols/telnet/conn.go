package telnet

import "github.com/torsion-go/torsion/protocol"

// A Conn is a session's way to speak telnet. All methods of a nil Conn do nothing,
// so a session works without the layer too. They belong to the loop.
type Conn struct{ l *layer }

// Of returns the telnet of the connection that t is the transport of: of the layer
// directly below the session. It is nil if there is none.
func Of(t protocol.Transport) *Conn {
	if l, ok := protocol.As[*layer](t); ok {
		return &l.conn
	}
	return nil
}

// HideInput asks the peer not to show what is typed, for a password: we say that
// we echo, and do not. The peer then does not show the end of the line either.
func (c *Conn) HideInput() { c.Will(Echo) }

// ShowInput has the peer show again what is typed.
func (c *Conn) ShowInput() { c.Wont(Echo) }

// Will offers to do o; it is in use when the peer has agreed.
func (c *Conn) Will(o Option) { c.want(o, true, true) }

// Wont ends doing o.
func (c *Conn) Wont(o Option) { c.want(o, true, false) }

// Do asks the peer to do o; it is in use when the peer has agreed.
func (c *Conn) Do(o Option) { c.want(o, false, true) }

// Dont asks the peer to end doing o, which it may not refuse.
func (c *Conn) Dont(o Option) { c.want(o, false, false) }

func (c *Conn) want(o Option, ours, wanted bool) {
	if c != nil {
		c.l.want(o, ours, wanted)
	}
}

// We reports whether we do o, which the peer has agreed to.
func (c *Conn) We(o Option) bool { return c != nil && c.l.state(o, true).holds() }

// They reports whether the peer does o.
func (c *Conn) They(o Option) bool { return c != nil && c.l.state(o, false).holds() }

// Subnegotiate sends details of an option, if it is in use on either side. data
// is copied.
func (c *Conn) Subnegotiate(o Option, data []byte) {
	if c != nil && c.l.inUse(o) {
		c.l.subnegotiate(o, data)
	}
}

// Command sends a command, such as Interrupt to a server or GoAhead.
func (c *Conn) Command(k Command) {
	if c != nil {
		c.l.send(iac, byte(k))
	}
}
