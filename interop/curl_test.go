package interop

import (
	"bytes"
	"crypto/tls"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
)

// noise returns n bytes of which none can be left out or doubled unnoticed.
func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(p) // never fails
	return p
}

// A page is as much of HTTP/1.0 as it takes to answer anything with the same body.
type page struct {
	line.Base
	body []byte
}

// LineReceived answers the empty line behind the request.
func (p *page) LineReceived(text []byte) {
	if len(text) == 0 {
		p.SendLine("HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n")
		p.Write(p.body)
		p.LoseConnection()
	}
}

// site serves a body over TLS, at https://torsion.test:port.
func site(t *testing.T, id identity, body []byte) *server {
	return listen(t, id.config().Wrap(factory.Each(func() protocol.Protocol { return line.New(&page{body: body}) })))
}

// curl fetches the page of s and returns what the program said, its status and the
// body. torsion.test is s.
func curl(t *testing.T, s *server, scheme string, options ...string) (p *program, status int, body []byte) {
	t.Helper()
	need(t, "curl", "--version")
	file := filepath.Join(t.TempDir(), "body")
	args := []string{"-sSv", "--noproxy", "*", "--resolve", "torsion.test:" + s.port + ":" + s.host, "-o", file}
	p = start(t, "curl", append(append(args, options...), scheme+"://torsion.test:"+s.port+"/")...)
	status = p.Ends()
	body, _ = os.ReadFile(file) // where there is none, nothing came
	return p, status, body
}

// A large page arrives whole over both versions, and its end, which is all that
// HTTP/1.0 says of a length, is a close_notify.
func TestCurl(t *testing.T) {
	id, body := identify(t, "torsion.test"), noise(8<<20)
	s := site(t, id, body)
	for version, options := range map[string][]string{"TLSv1.2": {"--tlsv1.2", "--tls-max", "1.2"}, "TLSv1.3": {"--tlsv1.3"}} {
		t.Run(version, func(t *testing.T) {
			p, status, got := curl(t, s, "https", append(options, "--cacert", id.certFile)...)
			assert.Zero(t, status)
			assert.True(t, bytes.Equal(body, got), "%d of %d bytes", len(got), len(body))
			assert.Contains(t, p.Said(), "SSL connection using "+version)
			assert.Contains(t, p.Said(), "close notify")
			assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)
		})
	}
}

// curl talks to nobody who is another, and tells us so.
func TestCurlDistrusts(t *testing.T) {
	id, other := identify(t, "torsion.test"), identify(t, "other.test")
	for name, who := range map[string]identity{"unknown": id, "name": other} {
		t.Run(name, func(t *testing.T) {
			s := site(t, who, nil)
			_, status, _ := curl(t, s, "https", "--cacert", other.certFile)
			assert.Equal(t, 60, status) // CURLE_PEER_FAILED_VERIFICATION
			s.Lost(t)
		})
	}
}

// Who speaks HTTP in clear to a port of TLS hears the end at once.
func TestCurlInClear(t *testing.T) {
	s := site(t, identify(t, "torsion.test"), []byte("secret"))
	_, status, _ := curl(t, s, "http")
	assert.NotZero(t, status)
	var failed *secure.HandshakeError
	reason := s.Lost(t)
	assert.ErrorAs(t, reason, &failed)
	var record tls.RecordHeaderError
	assert.ErrorAs(t, reason, &record)
	assert.True(t, strings.HasPrefix(string(record.RecordHeader[:]), "GET /"))
}
