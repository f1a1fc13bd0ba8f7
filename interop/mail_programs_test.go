package interop

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ends runs a program to its end.
func ends(t *testing.T, name string, args ...string) (success bool, said string) {
	t.Helper()
	p := start(t, name, args...)
	return p.Ends() == 0, p.Said()
}

// port is where o is to connect to.
func (o order) port() string {
	if o.TLS == "implicit" {
		return o.TLSPort
	}
	return o.Port
}

func needSwaks(t *testing.T) {
	t.Helper()
	need(t, "swaks", "--version")
	need(t, "perl", "-MNet::SSLeay", "-e", "1") // without which swaks has no TLS
}

// swaks ends the last line itself.
func swaks(t *testing.T, o order) (bool, string) {
	args := []string{"--from", o.From, "--to", strings.Join(o.To, ","), "--helo", "client.test", "--data", "@" + unix(t, o.File, "\n")}
	if o.LMTP {
		args = append(args, "--protocol", "LMTP", "--socket", o.Socket)
	} else {
		args = append(args, "--server", o.Host, "--port", o.port())
	}
	switch o.TLS {
	case "starttls":
		args = append(args, "--tls", "--tls-verify", "--tls-ca-path", o.CA)
	case "implicit":
		args = append(args, "--tls-on-connect", "--tls-verify", "--tls-ca-path", o.CA)
	}
	if o.User != "" {
		args = append(args, "--auth", o.Mechanism, "--auth-user", o.User, "--auth-password", o.Password)
	}
	if o.Pipeline {
		args = append(args, "--pipeline")
	}
	return ends(t, "swaks", args...)
}

// curlMail goes on with those recipients that are not refused.
func curlMail(t *testing.T, o order) (bool, string) {
	args := []string{"-sSv", "--noproxy", "*", "--max-time", "30", "--mail-from", o.From, "--mail-rcpt-allowfails", "-T", o.File}
	for _, to := range o.To {
		args = append(args, "--mail-rcpt", to)
	}
	scheme := "smtp"
	switch o.TLS {
	case "starttls":
		args = append(args, "--ssl-reqd", "--cacert", o.CA)
	case "implicit":
		scheme = "smtps"
		args = append(args, "--cacert", o.CA)
	}
	if o.User != "" {
		args = append(args, "--user", o.User+":"+o.Password, "--login-options", "AUTH="+o.Mechanism)
	}
	return ends(t, "curl", append(args, scheme+"://"+o.Host+":"+o.port()+"/client.test")...)
}

// msmtp trusts a certificate.
func msmtp(t *testing.T, o order) (bool, string) {
	return msmtpWith(t, o, "tls_trust_file "+o.CA)
}

// msmtpWith is msmtp with a line that says whom it trusts. It reads its configuration,
// and the message on its standard input.
func msmtpWith(t *testing.T, o order, trust string) (bool, string) {
	t.Helper()
	lines := []string{"account default", "host " + o.Host, "port " + o.port(), "from " + o.From, "domain client.test"}
	if o.LMTP {
		lines = append(lines, "protocol lmtp", "socket "+o.Socket)
	}
	if o.TLS != "" {
		lines = append(lines, "tls on", trust)
	}
	if o.TLS == "implicit" {
		lines = append(lines, "tls_starttls off")
	}
	if o.User != "" {
		lines = append(lines, "auth "+strings.ToLower(o.Mechanism), "user "+o.User, "password "+o.Password)
	}
	config := filepath.Join(t.TempDir(), "msmtprc")
	require.NoError(t, os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	p := prepare(t, "msmtp", append([]string{"--file", config, "--debug", "--"}, o.To...)...)
	message, err := os.Open(unix(t, o.File, ""))
	require.NoError(t, err)
	defer message.Close()
	p.cmd.Stdin = message
	p.start()
	return p.Ends() == 0, p.Said()
}

// Who knows a fingerprint needs no certificate, and sends nothing to another.
func TestMsmtpFingerprint(t *testing.T) {
	need(t, "msmtp", "--version")
	p := openPost(t)
	o := p.order(letter("x\r\n"))
	o.TLS = "starttls"
	for file, trusted := range map[string]bool{o.Other: false, o.CA: true} {
		sent, said := msmtpWith(t, o, "tls_fingerprint "+fingerprint(t, file))
		assert.Equal(t, trusted, sent, "%s", said)
	}
	assert.Len(t, p.mail(), 1)
}

// fingerprint is the SHA-256 of a certificate.
func fingerprint(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	sum := sha256.Sum256(block.Bytes)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// pythonMail runs a script of ours that reads the order.
func pythonMail(script string) func(t *testing.T, o order) (bool, string) {
	return func(t *testing.T, o order) (bool, string) {
		text, err := json.Marshal(o)
		require.NoError(t, err)
		return ends(t, python, "testdata/"+script, string(text))
	}
}

// unix is the same file with LF only, without what is cut off its end.
func unix(t *testing.T, file, cut string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	file += ".unix"
	lines := strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), cut)
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o600))
	return file
}
