package interop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
)

// A clerk is as much of a server as it takes to change to TLS: what it answers to
// which command, behind one of which TLS begins.
type clerk struct {
	line.Base
	greeting string
	starts   string
	answers  map[string][]string
}

// smtpClerk and ftpClerk begin in clear, and are the same with TLS.
var (
	smtpClerk = clerk{greeting: "220 torsion.test", starts: "STARTTLS", answers: map[string][]string{
		"EHLO":     {"250-torsion.test", "250-STARTTLS", "250 HELP"},
		"STARTTLS": {"220 Go ahead"},
		"NOOP":     {"250 Nothing done"},
		"QUIT":     {"221 Bye"},
	}}
	ftpClerk = clerk{greeting: "220 torsion.test", starts: "AUTH", answers: map[string][]string{
		"FEAT": {"211-Features:", " AUTH TLS", "211 End"},
		"AUTH": {"234 Go ahead"},
		"NOOP": {"200 Nothing done"},
		"QUIT": {"221 Bye"},
	}}
)

// factory returns one of clerks like c.
func (c clerk) factory() factory.Factory {
	return factory.Each(func() protocol.Protocol {
		one := c
		return line.New(&one)
	})
}

func (c *clerk) ConnectionMade(*line.Conn) { c.SendLine(c.greeting) }

func (c *clerk) LineReceived(text []byte) {
	verb, _, _ := strings.Cut(strings.ToUpper(string(text)), " ")
	for _, answer := range c.answers[verb] {
		c.SendLine(answer)
	}
	switch verb {
	case c.starts:
		t, _ := protocol.As[protocol.TLSStarter](c.Conn)
		_ = t.StartTLS() // where it fails, the connection ends with the reason
	case "QUIT":
		c.LoseConnection()
	}
}

// Others change to TLS in the middle of what they speak, and go on in it.
func TestStartTLS(t *testing.T) {
	id := identify(t, "torsion.test")
	for name, c := range map[string]clerk{"smtp": smtpClerk, "ftp": ftpClerk} {
		s := listen(t, id.config().Offer(c.factory()))
		for option := range versions {
			t.Run("openssl/"+name+option, func(t *testing.T) {
				p := sClient(t, s, id, option, "-quiet", "-crlf", "-starttls", name) // quiet: R and Q are no commands of its own
				p.Say("NOOP")
				p.Expect(c.answers["NOOP"][0] + "\r\n")
				p.Say("QUIT")
				p.Expect("221 Bye\r\n")
				assert.Zero(t, p.Ends())
				assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)
			})
		}
		t.Run("gnutls/"+name, func(t *testing.T) {
			p := gnutlsClient(t, s, id, "--starttls-proto", name, "--crlf")
			p.Expect("Handshake was completed")
			p.Say("NOOP")
			p.Expect(c.answers["NOOP"][0] + "\r\n")
			p.Say("QUIT")
			p.Expect("221 Bye\r\n")
			assert.Zero(t, p.Ends())
			assert.ErrorIs(t, s.Lost(t), protocol.ErrConnectionDone)
		})
	}
}

// What somebody sends in clear behind STARTTLS is not taken for encrypted.
func TestStartTLSInjected(t *testing.T) {
	need(t, "nc", "-h")
	id := identify(t, "torsion.test")
	s := listen(t, id.config().Offer(smtpClerk.factory()))
	p := start(t, "nc", s.host, s.port)
	p.Expect("220 torsion.test")
	p.Say("STARTTLS\r\nNOOP\r")
	assert.ErrorIs(t, s.Lost(t), secure.ErrPlaintextInjected)
	p.Ends()
	assert.NotContains(t, p.Said(), "Nothing done")
}
