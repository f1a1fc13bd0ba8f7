package interop

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
)

// An identity is a certificate that vouches for itself, also in files for others.
type identity struct {
	tls.Certificate
	certFile, keyFile string
}

// identify makes the identity of a host.
func identify(t *testing.T, host string) identity {
	t.Helper()
	cert, err := secure.SelfSigned(host)
	require.NoError(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), host)
	i := identity{cert, file + ".cert.pem", file + ".key.pem"}
	require.NoError(t, os.WriteFile(i.certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600))
	require.NoError(t, os.WriteFile(i.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	return i
}

// config is that of a server which is i.
func (i identity) config() secure.Config {
	return secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{i.Certificate}}}
}

// pool is who trusts these and nobody else.
func pool(trusted ...identity) *x509.CertPool {
	p := x509.NewCertPool()
	for _, i := range trusted {
		p.AddCert(i.Leaf)
	}
	return p
}
