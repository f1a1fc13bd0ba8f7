package interop

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A post is our mail server, and the maildir where it keeps what comes.
type post struct {
	house
	dir, lmtp, cert string
}

// openPost starts one that has some mailboxes.
func openPost(t *testing.T, flags ...string) *post {
	t.Helper()
	return openPostFor(t, []string{"eve", "bob", "carol", "zoë"}, flags...)
}

// openPostFor starts one that has these mailboxes, or any, and a user. Others may use
// its files.
func openPostFor(t *testing.T, mailboxes []string, flags ...string) *post {
	t.Helper()
	dir := openDir(t)
	id := identify(t, "localhost")
	p := &post{house: house{t: t, example: "smtp"}, dir: filepath.Join(dir, "mail"), lmtp: filepath.Join(dir, "lmtp"), cert: id.certFile}
	p.flags = []string{"-maildir", p.dir, "-name", "mx.our.test", "-domain", "our.test", "-user", "eve", "-password", "sesame",
		"-lmtp", p.lmtp, "-tls-cert", id.certFile, "-tls-key", id.keyFile}
	for _, m := range mailboxes {
		p.flags = append(p.flags, "-mailbox", m)
	}
	p.flags = append(p.flags, flags...)
	p.begin()
	return p
}

// begin is that of a house. Others may use the socket of LMTP then.
func (p *post) begin() {
	p.t.Helper()
	p.house.begin()
	require.NoError(p.t, os.Chmod(p.lmtp, 0o666)) // Postfix is not root
}

// order is one to send a message to p.
func (p *post) order(text string) order {
	p.t.Helper()
	return order{Host: "localhost", Port: p.port, TLSPort: p.tlsPort, Socket: p.lmtp,
		CA: p.cert, Other: identify(p.t, "localhost").certFile,
		From: "me@elsewhere.test", To: []string{"eve@our.test"}, File: messageFile(p.t, text)}
}

// messageFile is a file with a message.
func messageFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "message")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// mail returns what has been delivered. Nothing may be left that has not.
func (p *post) mail() (files []string) {
	p.t.Helper()
	left, err := filepath.Glob(filepath.Join(p.dir, "tmp", "*"))
	require.NoError(p.t, err)
	assert.Empty(p.t, left)
	return p.delivered()
}

// delivered is mail, also of one that was killed.
func (p *post) delivered() (files []string) {
	p.t.Helper()
	names, err := filepath.Glob(filepath.Join(p.dir, "new", "*"))
	require.NoError(p.t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(p.t, err)
		files = append(files, string(text))
	}
	return files
}
