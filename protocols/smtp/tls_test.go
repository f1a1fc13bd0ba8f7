package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
)

// certified returns the configurations of a server and of its clients.
func certified(t testing.TB) (server, client *tls.Config) {
	cert, err := secure.SelfSigned("mx.our.test")
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: pool, ServerName: "mx.our.test"}
}

// A keeper has a password, and remembers who came.
type keeper struct {
	clerk
	peers []Peer
}

func (k *keeper) NewSession(p *Peer) (Session, error) {
	k.peers = append(k.peers, *p)
	k.clerk.NewSession(p)
	return k, nil
}

func (k *keeper) AuthMechanisms() []string { return []string{sasl.Plain} }
func (k *keeper) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "eve" || password != "sesame" {
			return ErrAddress
		}
		return nil
	}), nil
}

// A command that is sent in clear behind STARTTLS ends the connection, and is not heard:
// somebody else may have put it there.
func TestStartTLSInjection(t *testing.T) {
	server, _ := certified(t)
	for _, onLoop := range []bool{true, false} {
		k := &keeper{clerk: clerk{onLoop: onLoop}}
		config := testServer()
		config.TLS = server
		tr := dial(config.New(k))
		tr.Receive("EHLO me\r\nSTARTTLS\r\nMAIL FROM:<a@x>\r\n")
		assert.ErrorIs(t, tr.Lost(), secure.ErrPlaintextInjected)
		assert.Equal(t, "hello me\nlogout", k.asked())
	}
}

// A handshake that fails ends the connection, and nothing more is said in clear.
func TestStartTLSFails(t *testing.T) {
	server, _ := certified(t)
	k := &keeper{}
	config := testServer()
	config.TLS = server
	tr := dial(config.New(k))
	tr.Receive("EHLO me\r\nSTARTTLS\r\n")
	tr.Take()
	tr.Receive("MAIL FROM:<a@x>\r\n")
	assert.NotContains(t, tr.Take(), "50")
	var failed *secure.HandshakeError
	assert.ErrorAs(t, tr.Lost(), &failed)
	assert.Equal(t, "hello me\nlogout", k.asked())
}
