package loop

import (
	"errors"
	"net"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// SetNoDelay has small packets leave at once, or not.
func (c *Conn) SetNoDelay(on bool) error {
	if err := c.tunable(); err != nil {
		return err
	}
	return c.loop.kernel.SetNoDelay(int(c.fd), on)
}

// SetKeepAlive probes a peer that is silent for so long.
func (c *Conn) SetKeepAlive(idle time.Duration) error {
	if err := c.tunable(); err != nil {
		return err
	}
	return c.loop.kernel.SetKeepAlive(int(c.fd), idle)
}

// SetOOBInline leaves urgent data in the stream, or not.
func (c *Conn) SetOOBInline(on bool) error {
	if err := c.tunable(); err != nil {
		return err
	}
	return c.loop.kernel.SetOOBInline(int(c.fd), on)
}

// tunable says why c has no options of TCP. The number of an ended connection may
// be another's.
func (c *Conn) tunable() error {
	c.loop.check()
	if c.noRead&ended != 0 {
		return net.ErrClosed
	}
	switch c.peer.(type) {
	case nil, *net.UnixAddr: // whose sockets take some of them, in vain
		return errors.ErrUnsupported
	}
	return nil
}

var _ protocol.TCPTuner = (*Conn)(nil)
