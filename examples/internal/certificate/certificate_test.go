package certificate

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A client trusts a server by what that has written, under its names only, and what it has
// written is no secret.
func TestWrittenCertificateIsTrusted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cert.pem")
	server, err := (&Flags{selfSigned: true, writeTo: file}).Config()
	require.NoError(t, err)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, string(b), "KEY")
	client, err := Trusting(file)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(server.Certificates[0].Certificate[0])
	require.NoError(t, err)
	for name, trusted := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "mail.test": false} {
		_, err := cert.Verify(x509.VerifyOptions{Roots: client.RootCAs, DNSName: name})
		assert.Equal(t, trusted, err == nil, name)
		assert.Equal(t, !trusted, strings.HasPrefix(Hint(err), "-connect "), name)
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: x509.NewCertPool()})
	assert.True(t, strings.HasPrefix(Hint(err), "-tls-ca "), err)
}

// What makes no sense is said, and a file that cannot be written.
func TestFlagsThatMakeNoSense(t *testing.T) {
	for _, f := range []Flags{
		{writeTo: "x"}, {certFile: "x"}, {keyFile: "x"}, {certFile: "x", keyFile: "x", writeTo: "x"},
		{certFile: "x", keyFile: "x", selfSigned: true}, {selfSigned: true, writeTo: filepath.Join(t.TempDir(), "no", "folder")},
	} {
		_, err := f.Config()
		assert.Error(t, err, "%+v", f)
	}
}
