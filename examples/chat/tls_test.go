package main_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
	"github.com/torsion-go/torsion/protocols/secure"
)

// identify writes a new certificate of host into the files, and returns who trusts
// it and nothing else.
func identify(t *testing.T, host, certFile, keyFile string) *tls.Config {
	t.Helper()
	cert, err := secure.SelfSigned(host)
	require.NoError(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	trusted := x509.NewCertPool()
	trusted.AddCert(cert.Leaf)
	return &tls.Config{RootCAs: trusted, ServerName: host}
}

// shake begins a connection over TLS. The error is that of the handshake.
func shake(t *testing.T, p *programtest.Program, config *tls.Config) (client, error) {
	t.Helper()
	c := dial(t, p)
	over := tls.Client(c.Conn, config)
	err := over.Handshake()
	if err != nil {
		c.Close()
	}
	c.Conn, c.In = over, bufio.NewReader(over)
	return c, err
}

// People talk over TLS, and it makes no difference to the room. When the
// certificate is replaced who is there stays, and who comes sees the new one.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	config := identify(t, "old.test", certFile, keyFile)
	p := programtest.Serve(t, "-listen", "127.0.0.1:0", "-tls-cert", certFile, "-tls-key", keyFile)
	alice, err := shake(t, p, config)
	require.NoError(t, err)
	alice.greeted()

	config = identify(t, "new.test", certFile, keyFile)
	p.Signal(t, syscall.SIGHUP)
	bob, err := shake(t, p, config)
	for err != nil { // until the files have been read
		var old x509.HostnameError
		require.ErrorAs(t, err, &old)
		bob, err = shake(t, p, config)
	}
	bob.greeted()
	alice.HearLines("127.0.0.1#2 has joined the party.")
	bob.SayLine("hello")
	alice.HearLines("127.0.0.1#2 says hello")
	bob.HearLines("127.0.0.1#2 says hello")
	bob.SayLine("/EXIT")
	bob.HearEnd()
	alice.HearLines("127.0.0.1#2 has disconnected.")
	p.Signal(t, syscall.SIGTERM)
	alice.HearLines("Server is going down.")
	alice.HearEnd()
	p.Ends(t)
}

// For a try a certificate is made, which is good for this machine's own names.
func TestTLSSelfSigned(t *testing.T) {
	p := programtest.Serve(t, "-listen", "127.0.0.1:0", "-tls-self-signed")
	alice, err := shake(t, p, &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	alice.greeted()
	cert := alice.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		assert.NoError(t, cert.VerifyHostname(host))
	}
	alice.SayLine("/EXIT")
	alice.HearEnd()
	p.Stop(t, syscall.SIGTERM)
}

// Handshakes count as connections, so nobody can have more of them either. One loop
// accepts who came first first.
func TestTLSStalled(t *testing.T) {
	p := programtest.Serve(t, "-reactors", "1", "-listen", "127.0.0.1:0", "-tls-self-signed", "-host", "1")
	stalls := dial(t, p)
	_, err := shake(t, p, &tls.Config{InsecureSkipVerify: true})
	assert.Error(t, err)
	stalls.Close()
}

// What certificate is meant has to be clear, and there.
func TestTLSFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-tls-cert", "here.pem"},
		{"-tls-key", "here.pem"},
		{"-tls-self-signed", "-tls-cert", "here.pem", "-tls-key", "here.pem"},
	} {
		out, err := programtest.Command(append(args, "-listen", "127.0.0.1:0")...).CombinedOutput()
		assert.Error(t, err)
		assert.Contains(t, string(out), "both of -tls-cert and -tls-key")
	}
	out, err := programtest.Command("-listen", "127.0.0.1:0", "-tls-cert", "missing.pem", "-tls-key", "missing.pem").CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "open missing.pem")
}
