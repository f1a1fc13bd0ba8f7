package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A finding is what testssl.sh says of one thing.
type finding struct{ ID, Severity, Finding string }

// excused are findings that say nothing of our server.
var excused = map[string]string{
	"engine_problem":     "it misses GOST in its own openssl",
	"cert_revocation":    "a certificate that vouches for itself names nobody who could revoke it",
	"TLS_session_ticket": "the lifetime is the longest that is allowed (RFC 8446, section 4.6.1); crypto/tls rotates its keys daily",
}

// fine is what has to be found fine, or nothing was looked at.
var fine = []string{
	"SSLv2", "SSLv3", "TLS1_2", "TLS1_3", "cert_trust", "cert_chain_of_trust", "cert_signatureAlgorithm", "cert_keySize",
	"cert_expirationStatus", "heartbleed", "CCS", "secure_renego", "secure_client_renego", "CRIME_TLS", "POODLE_SSL", "SWEET32",
}

// testssl.sh, which tries what has been done to servers, has nothing to say against
// ours: of its tests those of protocols, of the certificate, and of holes that it
// finds within seconds.
func TestTestSSL(t *testing.T) {
	need(t, "testssl")
	if testing.Short() {
		t.Skip("NOT TESTED: takes a minute")
	}
	id := identify(t, "torsion.test")
	f, _ := echoes()
	s := listen(t, id.config().Wrap(f))
	severity := map[string]string{}
	for _, f := range testssl(t, s, id, "-p", "-S", "-H", "-I", "-R", "-C", "-O", "-W") {
		severity[f.ID] = f.Severity
		switch f.Severity {
		case "OK", "INFO", "DEBUG":
		default:
			assert.Contains(t, excused, f.ID, "%s: %s", f.Severity, f.Finding)
		}
	}
	for _, id := range fine {
		assert.Equal(t, "OK", severity[id], id)
	}
}

// testssl returns what the program finds about s, which is id, torsion.test.
func testssl(t *testing.T, s *server, id identity, options ...string) (found []finding) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "found.json")
	args := []string{"--quiet", "--color", "0", "--warnings", "off", "--nodns", "none",
		"--add-ca", id.certFile, "--ip", s.host, "--jsonfile", file}
	p := start(t, "testssl", append(append(args, options...), "torsion.test:"+s.port)...)
	p.patience = 5 * time.Minute // it takes one, where nothing else runs
	p.Ends()
	report, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(report, &found))
	return found
}
