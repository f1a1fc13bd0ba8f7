package ftp

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
)

// Clients that go in the midst of a transfer leave no socket and no port behind.
func TestClientsLeaveNoDescriptors(t *testing.T) {
	c := securely(t, nil)
	before := hosttest.Descriptors(t)
	for i := range 60 {
		other := c.again(c.config)
		other.secures()
		d := other.data()
		switch i % 5 {
		case 0:
			other.says("RETR a", "150 ")
		case 1:
			other.says("STOR b", "150 ")
			assert.NoError(t, tls.Client(d, c.config).Handshake())
		case 2:
			io.WriteString(other.Conn, "RETR a\r\n")
		case 3:
			io.WriteString(other.Conn, "STOR b\r\nABOR\r\nEPSV\r\n")
			require.NoError(t, d.(*net.TCPConn).SetLinger(0))
		}
		other.Close()
		d.Close()
	}
	assert.Eventually(t, func() bool { return hosttest.Descriptors(t) <= before }, patience, time.Millisecond)
}
