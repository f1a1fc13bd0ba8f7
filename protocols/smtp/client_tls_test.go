package smtp_test

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocols/smtp"
)

// offered is what comes before STARTTLS.
const offered = `S: 220 mail.test
	C: EHLO client.test
	S: 250-mail.test
	S: 250-AUTH PLAIN
	S: 250 STARTTLS
	C: STARTTLS
`

// transaction is one, from MAIL to the end.
const transaction = `C: MAIL FROM:<ann@a.test>
	S: 250 ok
	C: RCPT TO:<bob@b.test>
	S: 250 ok
	C: DATA
	S: 354 go on
	C: hi
	C: .
	S: 250 ok
`

// authenticated is AUTH PLAIN as eve.
const authenticated = `C: AUTH PLAIN AGV2ZQBzZXNhbWU=
	S: 235 ok
`

// Required TLS is started before mail and passwords, and what the server offers is
// what it says within.
func TestClientStartsTLS(t *testing.T) {
	for _, cut := range []bool{false, true} {
		inBubble(t, func(p *play) {
			p.cut = cut
			p.config.Security = smtp.TLSRequired
			p.config.User, p.config.Password = "eve", "sesame"
			p.serve(offered + `S: 220 go on
				TLS
				C: EHLO client.test
				S: 250-mail.test
				S: 250-auth plain
				S: 250 SMTPUTF8
				` + authenticated + transaction + goodbye)
			_, err := p.send(message("hi", "bob@b.test"))
			assert.NoError(t, err)
		})
	}
}

// Where it is required nothing is said in clear but EHLO and STARTTLS, whatever the
// server says, or somebody for it.
func TestClientRequiresTLS(t *testing.T) {
	for name, end := range map[string]struct {
		scene     string
		err       error
		temporary bool
	}{
		"not offered": {`S: 220 mail.test
			C: EHLO client.test
			S: 250-mail.test
			S: 250 AUTH PLAIN`, smtp.ErrNoTLS, false},
		"not known at all": {`S: 220 mail.test
			C: EHLO client.test
			S: 502 what?
			C: HELO client.test
			S: 250 mail.test`, smtp.ErrNoTLS, false},
		"later":              {offered + "S: 454 not now", smtp.ErrNoTLS, true},
		"never":              {offered + "S: 502 not for you", smtp.ErrNoTLS, false},
		"accepted otherwise": {offered + "S: 250 go on", smtp.ErrProtocol, true},
		"injected":           {offered + "s: 220 go on\\r\\n250-mail.test\\r\\n250 AUTH PLAIN\\r\\n", secure.ErrPlaintextInjected, true},
		"injected in part":   {offered + "s: 220 go on\\r\\n2", secure.ErrPlaintextInjected, true},
		"injected before":    {strings.TrimSuffix(offered, "\tC: STARTTLS\n") + "s: 220 go on\\r\\n", nil, true},
		"no handshake":       {offered + "S: 220 go on\nNOTLS", nil, true},
		"hang-up":            {offered + "S: 220 go on\nCLOSE", nil, true},
		"silence":            {offered + "S: 220 go on\nHANG", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.config.Security = smtp.TLSRequired
				p.config.User, p.config.Password = "eve", "sesame"
				if name == "no handshake" || name == "injected before" {
					end.scene += "\nHANG" // a ClientHello
				}
				p.serve(end.scene)
				_, err := p.send(message("hi", "bob@b.test"))
				e := requireSendError(p.T, err, "STARTTLS", false)
				assert.Equal(p, end.temporary, e.Temporary())
				if end.err != nil {
					assert.ErrorIs(p, err, end.err)
				} else if name != "injected before" {
					var h *secure.HandshakeError
					assert.ErrorAs(p, err, &h)
				}
			})
		})
	}
}

// A certificate for others, or of nobody's, is no good where TLS is required.
func TestClientVerifies(t *testing.T) {
	for _, security := range []smtp.Security{smtp.TLSRequired, smtp.TLSImplicit} {
		for name, config := range map[string]*tls.Config{"nobody knows": nil, "another name": {ServerName: "other.test"}} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(p *play) {
					if config != nil {
						config.RootCAs = p.config.TLS.RootCAs
					}
					p.config.TLS, p.config.Security = config, security
					verb, scene := "TLS", "BADTLS"
					if security == smtp.TLSRequired {
						verb, scene = "STARTTLS", offered+"S: 220 go on\nBADTLS"
					}
					p.serve(scene)
					_, err := p.send(message("hi", "bob@b.test"))
					e := requireSendError(p.T, err, verb, false)
					assert.False(p, e.Temporary())
					var v *tls.CertificateVerificationError
					assert.ErrorAs(p, err, &v)
				})
			})
		}
	}
}

// An address that is none does not become one.
func TestClientAddress(t *testing.T) {
	inBubble(t, func(p *play) {
		p.config.Addr = "mail.test"
		_, err := p.send(message("hi", "bob@b.test"))
		assert.False(t, requireSendError(t, err, "connect", false).Temporary())
	})
}

// TLS may be there from the start.
func TestClientImplicitTLS(t *testing.T) {
	inBubble(t, func(p *play) {
		p.config.Security = smtp.TLSImplicit
		p.config.User, p.config.Password = "eve", "sesame"
		p.serve("TLS\n" + strings.TrimSuffix(hello, "S: 250 mail.test\n") + "S: 250-mail.test\nS: 250 AUTH PLAIN\n" + authenticated + transaction + goodbye)
		_, err := p.send(message("hi", "bob@b.test"))
		assert.NoError(t, err)
	})
}

// An opportunist takes TLS from anybody, goes on without where it is not offered, and
// comes back without where it has failed.
func TestClientOpportunist(t *testing.T) {
	within := offered + "S: 220 go on\nTLS\nC: EHLO client.test\nS: 250 mail.test\n" + transaction + goodbye
	for name, scenes := range map[string][]string{
		"offered":      {within},
		"not offered":  {hello + transaction + goodbye},
		"refused":      {offered + "S: 454 not now\n" + transaction + goodbye},
		"no handshake": {offered + "S: 220 go on\nNOTLS\nHANG", strings.TrimSuffix(offered, "C: STARTTLS\n") + transaction + goodbye},
		"hang-up":      {offered + "S: 220 go on\nCLOSE", strings.TrimSuffix(offered, "C: STARTTLS\n") + transaction + goodbye},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.config.Security, p.config.TLS = smtp.TLSOpportunistic, nil
				p.serve(scenes...)
				_, err := p.send(message("hi", "bob@b.test"))
				assert.NoError(p, err)
			})
		})
	}
	for name, scene := range map[string]string{
		"injected": offered + "s: 220 go on\\r\\n250 mail.test\\r\\n",
		"leaving":  offered + "S: 421 not now",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.config.Security = smtp.TLSOpportunistic
				p.serve(scene)
				_, err := p.send(message("hi", "bob@b.test"))
				requireSendError(p.T, err, "STARTTLS", false)
			})
		})
	}
}

// The password is for the server only: where anybody may be that, or may listen, it
// is not told unless that is asked for, and then no connection is made.
func TestClientAuthNeedsTLS(t *testing.T) {
	for _, security := range []smtp.Security{smtp.TLSNever, smtp.TLSOpportunistic} {
		inBubble(t, func(p *play) {
			p.config.Security = security
			p.config.User, p.config.Password = "eve", "sesame"
			_, err := p.send(message("hi", "bob@b.test"))
			e := requireSendError(t, err, "AUTH", false)
			assert.False(t, e.Temporary())
			assert.ErrorIs(t, err, smtp.ErrNoAuth)

			p.config.AllowInsecureAuth = true
			p.serve(strings.TrimSuffix(hello, "S: 250 mail.test\n") + "S: 250-mail.test\nS: 250 AUTH PLAIN\n" + authenticated + transaction + goodbye)
			_, err = p.send(message("hi", "bob@b.test"))
			assert.NoError(t, err)
		})
	}
}

// An error says what is missing, and where.
func TestClientSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		security smtp.Security
		insecure bool
		offer    string // nothing is said if it is empty
		want     string
	}{
		{smtp.TLSNever, false, "", "AUTH: smtp: no authentication in clear"},
		{smtp.TLSOpportunistic, false, "", "AUTH: smtp: no authentication where TLS proves nothing, or is not there"},
		{smtp.TLSNever, true, "SIZE", "AUTH: smtp: no authentication: the server offers no AUTH"},
		{smtp.TLSNever, true, "AUTH", "AUTH: smtp: no authentication: the server offers no AUTH"},
		{smtp.TLSRequired, false, "SIZE", "STARTTLS: smtp: no TLS: the server does not offer STARTTLS"},
	} {
		inBubble(t, func(p *play) {
			p.config.User, p.config.Password = "eve", "sesame"
			p.config.Security, p.config.AllowInsecureAuth = c.security, c.insecure
			if c.offer != "" {
				p.serve("S: 220 mail.test\nC: EHLO client.test\nS: 250-mail.test\nS: 250 " + c.offer)
			}
			_, err := p.send(message("hi", "bob@b.test"))
			assert.EqualError(p, err, "smtp: not accepted: "+c.want)
		})
	}
}

// Who we are is said by PLAIN, or by LOGIN where there is no better, and what is
// refused is refused: no word follows but goodbye.
func TestClientAuth(t *testing.T) {
	for name, c := range map[string]struct {
		offer, scene string
		err          error
	}{
		"PLAIN":              {"AUTH LOGIN PLAIN", authenticated + "C: NOOP\nS: 250 ok" + goodbye, nil},
		"LOGIN":              {"AUTH LOGIN", "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ZXZl\nS: 334 Kein Wort?\nC: *\nS: 501 stopped", smtp.ErrNoAuth},
		"LOGIN in two":       {"AUTH login", "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ZXZl\nS: 334\nC: c2VzYW1l\nS: 235 ok\nC: NOOP\nS: 250 ok" + goodbye, nil},
		"LOGIN in three":     {"AUTH LOGIN", "C: AUTH LOGIN\nS: 334\nC: ZXZl\nS: 334\nC: c2VzYW1l\nS: 334\nC: *\nS: 501 stopped", smtp.ErrNoAuth},
		"refused":            {"AUTH PLAIN", strings.Replace(authenticated, "235 ok", "535 5.7.8 no", 1), &smtp.SMTPError{Code: 535}},
		"refused and gone":   {"AUTH PLAIN", strings.Replace(authenticated, "235 ok", "421 4.7.0 no\nCLOSE", 1), &smtp.SMTPError{Code: 421}},
		"accepted otherwise": {"AUTH PLAIN", strings.Replace(authenticated, "235 ok", "250 ok", 1), smtp.ErrProtocol},
		"not offered":        {"STARTTLS", "", smtp.ErrNoAuth},
		"others offered":     {"AUTH CRAM-MD5", "", smtp.ErrNoAuth},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.config.User, p.config.Password, p.config.AllowInsecureAuth = "eve", "sesame", true
				p.serve(strings.TrimSuffix(hello, "S: 250 mail.test\n") + "S: 250-mail.test\nS: 250 " + c.offer + "\n" + c.scene)
				client := p.config.New()
				defer client.Close()
				err := client.NoopContext(context.Background())
				var refused *smtp.SMTPError
				switch want := c.err.(type) {
				case nil:
					assert.NoError(p, err)
					return
				case *smtp.SMTPError:
					require.ErrorAs(p, err, &refused)
					assert.Equal(p, want.Code, refused.Code)
				default:
					assert.ErrorIs(p, err, c.err)
				}
				requireSendError(p.T, err, "AUTH", false)
			})
		})
	}
}

// A mechanism of the user's comes before ours; an empty first response is "="
// (RFC 4954, section 4).
func TestClientAuthOther(t *testing.T) {
	inBubble(t, func(p *play) {
		p.config.Auth, p.config.AllowInsecureAuth = mechanism{}, true
		p.serve(strings.TrimSuffix(hello, "S: 250 mail.test\n") + `S: 250-mail.test
			S: 250 AUTH PLAIN EXTERNAL
			C: AUTH EXTERNAL =
			S: 334 aGk=
			C: aGk=
			S: 235 ok
			C: NOOP
			S: 250 ok` + goodbye)
		client := p.config.New()
		defer client.Close()
		assert.NoError(t, client.NoopContext(context.Background()))
	})
}

// A mechanism that says what it hears.
type mechanism struct{}

func (mechanism) Start() (string, []byte, error)        { return "EXTERNAL", []byte{}, nil }
func (mechanism) Next(challenge []byte) ([]byte, error) { return challenge, nil }

// What requires TLS is sent over TLS that proves who the server is, to one that requires it of
// the next (RFC 8689), or not at all.
func TestClientRequireTLSOfTheMessage(t *testing.T) {
	const refused = "550 5.7.30"
	offers, mail := "C: EHLO client.test\nS: 250-mail.test\nS: 250 REQUIRETLS\n", "C: MAIL FROM:<ann@a.test>"
	for name, c := range map[string]struct {
		security smtp.Security
		scene    string
		want     string
	}{
		"offered":     {smtp.TLSImplicit, "TLS\nS: 220 mail.test\n" + offers + strings.Replace(transaction, mail, mail+" REQUIRETLS", 1) + goodbye, ""},
		"not offered": {smtp.TLSImplicit, "TLS\n" + hello + goodbye, refused},
		"in clear":    {smtp.TLSNever, "S: 220 mail.test\n" + offers + goodbye, refused},
		"to anybody":  {smtp.TLSOpportunistic, offered + "S: 220 go on\nTLS\n" + offers + goodbye, refused},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.config.Security = c.security
				p.serve(c.scene)
				m := message("hi", "bob@b.test")
				m.Options.RequireTLS = true
				_, err := p.send(m)
				if c.want == "" {
					assert.NoError(p, err)
					return
				}
				requireSendError(p.T, err, "MAIL", false)
				var reply *smtp.SMTPError
				require.ErrorAs(p, err, &reply)
				assert.Equal(p, c.want, code(reply))
			})
		})
	}
}
