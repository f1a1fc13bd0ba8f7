package interop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
)

// sslClient starts Python's client to a server that has to be id, torsion.test.
func sslClient(t *testing.T, s *server, id identity, mode string) *program {
	t.Helper()
	need(t, python, "-c", "import ssl")
	return start(t, python, "testdata/ssl_client.py", s.host, s.port, id.certFile, mode)
}

// sslServer starts Python's server, which is id, and connects to it.
func sslServer(t *testing.T, mode string) (p *program, c *client) {
	t.Helper()
	need(t, python, "-c", "import ssl")
	id := identify(t, "torsion.test")
	p = start(t, python, "testdata/ssl_server.py", id.certFile, id.keyFile, mode)
	return p, dial(t, p.Line("listening on "), trusting(id, "torsion.test"))
}

// 8 MiB in pieces of any size come back as they were, and a goodbye gets one.
func TestPythonClient(t *testing.T) {
	id := identify(t, "torsion.test")
	f, _ := echoes()
	s := listen(t, id.config().Wrap(f))
	p := sslClient(t, s, id, "echo")
	p.Expect("same: True\ngoodbye\n")
	assert.Zero(t, p.Ends())
	assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)
}

// A client that has ended its half gets the answer, and the goodbye behind it.
func TestPythonClientHalfClose(t *testing.T) {
	id := identify(t, "torsion.test")
	s := listen(t, id.config().Wrap(factory.Each(newPatient)))
	p := sslClient(t, s, id, "half")
	p.Expect("heard: is anybody there?\ngoodbye\n")
	assert.Zero(t, p.Ends())
	assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)
}

// A client that hangs up without a goodbye may have been cut off.
func TestPythonClientCut(t *testing.T) {
	id := identify(t, "torsion.test")
	f, _ := echoes()
	s := listen(t, id.config().Wrap(f))
	p := sslClient(t, s, id, "cut")
	p.Expect("heard: hello\n")
	assert.Zero(t, p.Ends())
	assert.ErrorIs(t, s.Lost(t), secure.ErrTruncated)
}

// The same the other way around: we say goodbye, and get one.
func TestPythonServer(t *testing.T) {
	p, c := sslServer(t, "echo")
	text := string(noise(1 << 20))
	c.Say(text)
	c.Expect(text)
	c.Leave()
	assert.ErrorIs(t, c.Lost(), protocol.ErrConnectionDone)
	assert.Zero(t, p.Ends(), "it heard a goodbye")
}

// When our half has ended, the other's comes whole.
func TestPythonServerHalfClose(t *testing.T) {
	p, c := sslServer(t, "half")
	c.Say("is anybody there?")
	c.EndHalf()
	c.Expect(strings.Repeat("now I may speak: ", 10000) + "is anybody there?\n")
	assert.ErrorIs(t, c.Lost(), protocol.ErrConnectionDone)
	assert.Zero(t, p.Ends())
}

// A server that hangs up without a goodbye may have been cut off.
func TestPythonServerCut(t *testing.T) {
	_, c := sslServer(t, "cut")
	c.Expect("hello\n")
	c.Say("bye")
	assert.ErrorIs(t, c.Lost(), secure.ErrTruncated)
}
