package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocoltest"
)

// write puts a certificate and its key into files.
func write(t *testing.T, cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert.Certificate[0]},
		keyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	}
}

// A certificate is replaced while connections live, which go on, and a broken file
// leaves the old one in use.
func TestCertificateReload(t *testing.T) {
	first, err := secure.SelfSigned("torsion.test")
	require.NoError(t, err)
	second, err := secure.SelfSigned("torsion.test")
	require.NoError(t, err)
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	_, err = secure.LoadCertificate(certFile, keyFile)
	assert.ErrorIs(t, err, os.ErrNotExist)
	write(t, first, certFile, keyFile)
	cert, err := secure.LoadCertificate(certFile, keyFile)
	require.NoError(t, err)

	trusted := x509.NewCertPool()
	trusted.AddCert(first.Leaf)
	trusted.AddCert(second.Leaf)
	s := secure.Config{Server: &tls.Config{
		GetCertificate: cert.GetCertificate,
		ClientAuth:     tls.RequireAndVerifyClientCert,
		ClientCAs:      trusted,
	}}
	c := secure.Config{Client: &tls.Config{
		GetClientCertificate: cert.GetClientCertificate,
		ServerName:           "torsion.test",
		RootCAs:              trusted,
	}}
	visit := func(want tls.Certificate) (*protocoltest.Pump, *session, *session) {
		t.Helper()
		server, client := &session{}, &session{}
		p := protocoltest.NewPump(over(c, client), over(s, server))
		p.Flush()
		require.Equal(t, "made, secured", client.take())
		require.Equal(t, "made, secured", server.take())
		assert.Equal(t, want.Leaf.Raw, client.state.PeerCertificates[0].Raw)
		assert.Equal(t, want.Leaf.Raw, server.state.PeerCertificates[0].Raw)
		return p, server, client
	}
	p, server, client := visit(first)
	write(t, second, certFile, keyFile)
	visit(first)
	require.NoError(t, cert.Reload())
	visit(second)
	p.Do(func() { server.say("hello"); client.say("hello") })
	assert.Equal(t, "data hello", server.take())
	assert.Equal(t, "data hello", client.take())

	require.NoError(t, os.WriteFile(certFile, []byte("no PEM"), 0o600))
	assert.Error(t, cert.Reload())
	visit(second)
	write(t, first, certFile, filepath.Join(t.TempDir(), "elsewhere"))
	assert.Error(t, cert.Reload(), "the key is another one's")
	visit(second)
}

// SelfSigned is for names and for addresses, for servers and for clients, and nobody
// trusts it who was not told to.
func TestSelfSigned(t *testing.T) {
	cert, err := secure.SelfSigned("one.test", "192.0.2.1", "*.two.test", "2001:db8::1")
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	for _, name := range []string{"one.test", "192.0.2.1", "any.two.test", "2001:db8::1"} {
		_, err = cert.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots})
		assert.NoError(t, err, name)
	}
	_, err = cert.Leaf.Verify(x509.VerifyOptions{DNSName: "three.test", Roots: roots})
	assert.ErrorAs(t, err, new(x509.HostnameError))
	_, err = cert.Leaf.Verify(x509.VerifyOptions{DNSName: "one.test", Roots: x509.NewCertPool()})
	assert.ErrorAs(t, err, new(x509.UnknownAuthorityError))
	_, err = cert.Leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	assert.NoError(t, err)
	assert.True(t, cert.Leaf.NotBefore.Before(time.Now()))
	assert.WithinDuration(t, time.Now().AddDate(1, 0, 0), cert.Leaf.NotAfter, time.Hour)
	assert.True(t, cert.Leaf.IPAddresses[0].Equal(net.IPv4(192, 0, 2, 1)))

	other, err := secure.SelfSigned("one.test")
	require.NoError(t, err)
	assert.NotEqual(t, cert.Leaf.SerialNumber, other.Leaf.SerialNumber)
	_, err = secure.SelfSigned()
	assert.NoError(t, err, "for clients that need no name")
}
