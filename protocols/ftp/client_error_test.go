package ftp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/reactortest"
)

// An error says what was said, and whether it may help to try again.
func TestClientErrors(t *testing.T) {
	for _, c := range []struct {
		err       error
		text      string
		temporary bool
	}{
		{&ftp.Error{Code: 450, Text: "busy"}, "ftp: RETR: 450 busy", true},
		{&ftp.Error{Code: 550, Text: "no"}, "ftp: RETR: 550 no", false},
		{io.ErrUnexpectedEOF, "ftp: RETR: unexpected EOF", true},
		{ftp.ErrName, "ftp: RETR: ftp: not a name to use", false},
		{ftp.ErrNoAuth, "ftp: RETR: ftp: no authentication", false},
		{&net.OpError{Op: "dial", Err: &net.AddrError{Err: "missing port in address"}}, "ftp: RETR: dial: missing port in address", false},
		{&tls.CertificateVerificationError{Err: io.EOF}, "ftp: RETR: tls: failed to verify certificate: EOF", false},
		{errors.ErrUnsupported, "ftp: RETR: unsupported operation", false},
	} {
		e := &ftp.ClientError{Verb: "RETR", Err: c.err}
		assert.EqualError(t, e, c.text)
		assert.Equal(t, c.temporary, e.Temporary(), c.text)
		assert.ErrorIs(t, e, c.err)
	}
}

// Who may not tell a password is told what would let him.
func TestClientNamesAllowInsecureAuth(t *testing.T) {
	c := ftp.ClientConfig{Network: reactortest.NewMemory(reactortest.Config{}), Addr: "192.0.2.1:21", User: "ann", Security: ftp.TLSNever}.New()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	assert.EqualError(t, c.NoopContext(ctx), "ftp: PASS: ftp: no authentication in clear, unless AllowInsecureAuth allows it")
}

// A server that hangs up is told of in words.
func TestClientTellsOfALostConnection(t *testing.T) {
	for name, c := range map[string]struct {
		security  ftp.Security
		verb, say string // what is said in reply, before the end
		err       error
		text      string
	}{
		"between replies":         {ftp.TLSNever, "RETR", "", io.EOF, "ftp: RETR: the connection was lost"},
		"within a reply":          {ftp.TLSNever, "RETR", "550-no\r\n55", io.ErrUnexpectedEOF, "ftp: RETR: the connection was lost"},
		"over TLS":                {ftp.TLSImplicit, "RETR", "", io.EOF, "ftp: RETR: the connection was lost"},
		"instead of a handshake":  {ftp.TLSRequired, "AUTH", "234 go on\r\n", io.EOF, "ftp: AUTH: secure: handshake: the connection was lost"},
		"instead of the greeting": {ftp.TLSNever, "greeting", "", io.EOF, "ftp: greeting: the connection was lost"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *play) {
				p.config.Security = c.security
				p.files["/a"] = file("0123")
				p.instead = func(s *session, verb, _ string) string {
					if verb != c.verb {
						return ""
					}
					s.say(c.say)
					return "!"
				}
				_, err := p.client().GetContext(context.Background(), "/a", io.Discard, 0)
				require.ErrorIs(t, err, c.err)
				assert.EqualError(t, err, c.text)
			})
		})
	}
}
