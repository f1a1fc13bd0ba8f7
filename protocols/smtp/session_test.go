package smtp

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocoltest"
)

// A clerk is a Session that takes mail for anybody at our.test, and notes all that
// it is asked. On the loop or off it, it answers the same.
type clerk struct {
	notes  []string
	onLoop bool
	data   func(io.Reader) error // nil: taken

	leaving func() // told of Logout
}

func (c *clerk) NewSession(p *Peer) (Session, error) {
	c.note("hello " + p.Hostname)
	if p.Hostname == "unwanted" {
		return nil, &SMTPError{Code: 550, EnhancedCode: EnhancedCode{5, 7, 1}, Message: "Go away"}
	}
	return c, nil
}

func (c *clerk) OnLoop() (commands, data bool) { return c.onLoop, c.onLoop }

func (c *clerk) note(s string) { c.notes = append(c.notes, s) }
func (c *clerk) Reset()        { c.note("reset") }

func (c *clerk) Logout() error {
	c.note("logout")
	if c.leaving != nil {
		c.leaving()
	}
	return nil
}

func (c *clerk) Mail(from string, o *MailOptions) error {
	c.note("mail " + from)
	switch {
	case strings.HasPrefix(from, "broken@"):
		return errors.New("secret: the disk is on fire")
	case strings.HasPrefix(from, "panic@"):
		panic("clerk")
	}
	return nil
}

func (c *clerk) Rcpt(to string, o *RcptOptions) error {
	c.note("rcpt " + to)
	if a, err := ParseAddress(to); err != nil || a.Domain != "our.test" && a.Domain != "" {
		return &SMTPError{Code: 550, EnhancedCode: EnhancedCode{5, 7, 1}, Message: "Relaying denied"}
	}
	return nil
}

func (c *clerk) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	c.note("data " + string(b))
	if c.data != nil {
		return c.data(strings.NewReader(string(b)))
	}
	return err
}

// asked returns what was noted, and forgets it.
func (c *clerk) asked() string {
	all := strings.Join(c.notes, "\n")
	c.notes = nil
	return all
}

// A server for tests has a name, and little patience.
func testServer() Config {
	return Config{Domain: "mx.our.test", MaxMessageBytes: 64, MaxRecipients: 3, MaxErrors: 10}
}

func dial(f factory.Factory) *protocoltest.Transport {
	return protocoltest.Connect(f.BuildProtocol(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}))
}

// say sends lines, and returns what is answered.
func say(tr *protocoltest.Transport, lines ...string) string {
	tr.Receive(strings.Join(lines, "\r\n") + "\r\n")
	return tr.Take()
}

// Both ways of asking a Session come to the same.
func bothWays(t *testing.T, f func(t *testing.T, c *clerk)) {
	for name, onLoop := range map[string]bool{"on the loop": true, "off the loop": false} {
		t.Run(name, func(t *testing.T) { f(t, &clerk{onLoop: onLoop}) })
	}
}

// A message, in any cut, is handed to the Session as a whole, and its calls come in
// order.
func TestMessage(t *testing.T) {
	bothWays(t, func(t *testing.T, c *clerk) {
		const in = "EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\nRCPT TO:<c@elsewhere>\r\nRCPT TO:<d@our.test>\r\nDATA\r\n" +
			"Subject: hi\r\n\r\n..dot\r\n.\r\nQUIT\r\n"
		const out = "220 mx.our.test ESMTP Torsion\r\n250-mx.our.test greets me\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n" +
			"250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 64\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n550 5.7.1 Relaying denied\r\n250 2.1.5 Ok\r\n" +
			"354 End data with <CR><LF>.<CR><LF>\r\n250 2.0.0 Ok\r\n221 2.0.0 mx.our.test closing connection\r\n"
		const asked = "hello me\nmail a@x\nrcpt b@our.test\nrcpt c@elsewhere\nrcpt d@our.test\ndata Subject: hi\r\n\r\n.dot\r\n\nreset\nlogout"
		for cut, pieces := range protocoltest.Cuts(in) {
			tr := dial(testServer().New(c))
			for _, p := range pieces {
				tr.Receive(p)
			}
			assert.Equal(t, out, tr.Take(), cut)
			assert.Equal(t, asked, c.asked(), cut)
			assert.Zero(t, tr.Timers(), cut)
			require.True(t, tr.Closed(), cut)
		}
	})
}

// Lines of a message have no limit of their own: 1,000 octets have to be taken (RFC 5321,
// section 4.5.3.1.6).
func TestLongLineOfMessage(t *testing.T) {
	config := testServer()
	config.MaxMessageBytes, config.MaxMemory = 1<<20, 1<<10
	line := strings.Repeat("x", 1<<19) + "\r\n"
	bothWays(t, func(t *testing.T, c *clerk) {
		tr := dial(config.New(c))
		tr.Receive(addressed1 + "DATA\r\n." + line + ".\r\n")
		assert.Contains(t, c.asked(), "data "+line)
		tr.Do(tr.Abort)
	})
}

// A Backend that makes no Session and has no error is a mistake, of which the client hears
// before it says more.
func TestBackendMakesNoSession(t *testing.T) {
	tr := dial(Config{Domain: "mx.our.test"}.New(BackendFunc(func(*Peer) (Session, error) { return nil, nil })))
	tr.Take()
	tr.Receive("EHLO me\r\nMAIL FROM:<a@x>\r\n")
	assert.Equal(t, "451 4.3.0 Local error in processing, try again later\r\n", tr.Take())
	assert.True(t, tr.Closed())
}
