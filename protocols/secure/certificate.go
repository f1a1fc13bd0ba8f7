package secure

import (
	"crypto/tls"
	"sync/atomic"
)

// A Certificate is one in two PEM files that can be replaced while the server
// runs. Put its GetCertificate (or GetClientCertificate) into a tls.Config. All
// of its methods may be called from any goroutine.
type Certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// LoadCertificate reads a certificate, with the chain behind it, and its key. The
// error is that of tls.LoadX509KeyPair.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload reads the files again, for handshakes from now on. It does blocking work,
// so call it elsewhere than on a loop: where SIGHUP is heard, say. After an error
// the certificate is the one it was.
func (c *Certificate) Reload() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err == nil {
		c.current.Store(&pair)
	}
	return err
}

// GetCertificate is for the tls.Config of a server.
func (c *Certificate) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// GetClientCertificate is for that of a client.
func (c *Certificate) GetClientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}
