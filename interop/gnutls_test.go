package interop

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// gnutlsClient starts gnutls-cli to a server that has to be id, torsion.test.
func gnutlsClient(t *testing.T, s *server, id identity, options ...string) *program {
	t.Helper()
	need(t, "gnutls-cli", "--version")
	args := []string{"--x509cafile", id.certFile, "--sni-hostname", "torsion.test", "--verify-hostname", "torsion.test"}
	return start(t, "gnutls-cli", append(append(args, options...), "--port", s.port, s.host)...)
}

// A patient answers when the peer has said all it has to say.
type patient struct {
	protocol.Base
	heard []byte
}

func (p *patient) DataReceived(data []byte) { p.heard = append(p.heard, data...) }

func (p *patient) EOFReceived() (keep bool) {
	p.Write(p.heard)
	p.LoseConnection()
	return true
}

func newPatient() protocol.Protocol { return &patient{} }

// GnuTLS ends its half of the connection and hears the other half to its end.
func TestGnuTLSHalfClose(t *testing.T) {
	id := identify(t, "torsion.test")
	s := listen(t, id.config().Wrap(factory.Each(newPatient)))
	for _, version := range []string{"1.2", "1.3"} {
		t.Run(version, func(t *testing.T) {
			p := gnutlsClient(t, s, id, "--priority", "NORMAL:-VERS-ALL:+VERS-TLS"+version)
			p.Expect("Handshake was completed")
			p.Say("is anybody there?")
			assert.NoError(t, p.stdin.Close())
			p.Expect("is anybody there?\n")
			assert.Zero(t, p.Ends())
			assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)
		})
	}
}

// GnuTLS resumes a session.
func TestGnuTLSResumes(t *testing.T) {
	id := identify(t, "torsion.test")
	f, secured := echoes()
	s := listen(t, id.config().Wrap(f))
	p := gnutlsClient(t, s, id, "--resume")
	assert.False(t, receive(t, secured).DidResume)
	assert.True(t, receive(t, secured).DidResume)
	p.Expect("This is a resumed session")
	answers(p, "hello")
}
