package telnet_test

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocols/telnet"
)

// A chooser builds from what the handshake came to.
type chooser struct{ asked tls.ConnectionState }

func (c *chooser) BuildProtocol(net.Addr) protocol.Protocol { return nil }

func (c *chooser) BuildSecured(_ net.Addr, state tls.ConnectionState) protocol.Protocol {
	c.asked = state
	return silent{}
}

// A silent protocol does nothing.
type silent struct{}

func (silent) ConnectionMade(protocol.Transport) {}
func (silent) DataReceived([]byte)               {}
func (silent) ConnectionLost(error)              {}

// Telnet inside TLS passes on what the handshake came to.
func TestWrapPassesTheTLSStateOn(t *testing.T) {
	c := &chooser{}
	f, ok := telnet.Config{}.Wrap(c).(secure.Factory)
	if assert.True(t, ok) {
		assert.NotNil(t, f.BuildSecured(nil, tls.ConnectionState{ServerName: "torsion.test"}))
		assert.Equal(t, "torsion.test", c.asked.ServerName)
	}
}
